using System.CommandLine;
using System.Text.Json;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary><c>sluice top</c>: what a running gateway does, once a second, until Ctrl-C; once when the output is no terminal.</summary>
public static class TopCommand
{
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(1);

    public static Command Create(Terminal terminal)
    {
        var command = new Command("top", "Watch a running gateway: engines, queues, promises.");
        var address = new Option<string>("--url")
        {
            Description = "the gateway's address", HelpName = "URL", DefaultValueFactory = _ => "http://127.0.0.1:8700",
        };
        command.Options.Add(address);
        command.SetAction(parsed => RunAsync(parsed.GetValue(address)!, terminal).GetAwaiter().GetResult());
        return command;
    }

    private static async Task<int> RunAsync(string text, Terminal terminal)
    {
        if (!Uri.TryCreate(text.TrimEnd('/') + "/dashboard/state", UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw new InputException($"--url {text}: expected an address such as http://127.0.0.1:8700.");
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        using var timer = new PeriodicTimer(s_every);
        do
        {
            using var state = await ReadAsync(http, url, text, terminal.Stop).ConfigureAwait(false);
            var page = TopPage.Draw(state.RootElement, terminal.Width);
            if (!terminal.IsInteractive)
            {
                terminal.Out.Write(page);
                terminal.Out.Flush();
                return ExitCodes.Ok;
            }

            // Home, the page with each line cleared to its end, and nothing below it: no flicker.
            terminal.Out.Write("\e[H" + page.ReplaceLineEndings("\e[K\n") + "\e[J");
            terminal.Out.Flush();
        }
        while (await timer.WaitForNextTickAsync(terminal.Stop).ConfigureAwait(false));
        return ExitCodes.Ok;
    }

    private static async Task<JsonDocument> ReadAsync(HttpClient http, Uri url, string text, CancellationToken stop)
    {
        try
        {
            using var answer = await http.GetAsync(url, stop).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode)
            {
                throw new InputException(
                    $"--url {text}: it answers {(int)answer.StatusCode} at /dashboard/state; expected a Sluice gateway.");
            }

            return await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(stop).ConfigureAwait(false), default, stop)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (
            e is HttpRequestException or JsonException || (e is TaskCanceledException && !stop.IsCancellationRequested))
        {
            throw new InputException($"--url {text}: no gateway answers there; './sluice serve' starts one.");
        }
    }
}
