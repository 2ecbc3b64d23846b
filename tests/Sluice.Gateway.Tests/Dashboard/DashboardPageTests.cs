using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>The dashboard in a real browser. Set SLUICE_PICTURES to a folder to have pictures of it there.</summary>
public sealed class DashboardPageTests
{
    [BrowserFact]
    public async Task It_shows_who_waits_and_why_and_is_used_with_the_keyboard()
    {
        var end = new TaskCompletionSource();
        await using var gateway = await TestGateway.StartAsync(
            Held("gpu-1", "llama", end.Task), Held("gpu-2", "llama", end.Task), Held("gpu-3", "qwen", end.Task));
        var events = new CountEnds();
        gateway.Loop.Events.Add(events);
        List<Task<HttpResponseMessage>> answers = [];
        for (var i = 0; i < 24; i++)
        {
            var (model, tokens) = (i % 3 == 0 ? "qwen" : "llama", 20 + 400 * (i % 2));
            answers.Add(gateway.PostAsync(
                "/v1/chat/completions",
                $$"""{"model":"{{model}}","messages":[{"role":"user","content":"x"}],"max_tokens":{{tokens}}}""",
                default, ("x-request-id", $"req-{i}"), ("x-sluice-on-late", "hold"),
                ("x-sluice-class", i % 4 == 0 ? "batch" : i % 2 == 0 ? "default" : "interactive")));
            await events.Queued(i + 1);
        }

        await using var browser = await Browser.OpenAsync(gateway.Address);
        await browser.UntilAsync("document.querySelectorAll('.lane').length === 3");

        // Lanes show what runs and what waits.
        await browser.UntilAsync("document.querySelectorAll('.group').length > 0");
        Assert.Contains("2 / 2 running", await browser.RunAsync("document.querySelector('#lanes').innerText"), StringComparison.Ordinal);
        var waiting = await browser.RunAsync(
            "[...document.querySelectorAll('.group b')].reduce((sum, b) => sum + Number(b.textContent), 0)");
        Assert.Equal("18", waiting); // 24, and 2 places on each of three engines.

        // A group keeps the focus while the page is drawn anew, and Enter shows its requests.
        await browser.RunAsync("document.querySelector('.group').focus()");
        await browser.RunAsync("window.drawn = document.querySelector('.group')");
        await browser.UntilAsync("document.querySelector('.group') !== window.drawn");
        Assert.Equal("true", await browser.RunAsync("document.activeElement.classList.contains('group')"));
        await browser.PressAsync("Enter");
        await browser.UntilAsync("document.querySelector('#filter').value !== ''");
        Assert.Equal("true", await browser.RunAsync("Number(document.querySelector('#shown').textContent.split(' ')[0]) < 24"));

        // The slash goes to the search, Escape leaves it; a request opens and says why it waits.
        await browser.PressAsync("Escape");
        await browser.RunAsync("document.activeElement.blur()");
        await browser.PressAsync("/", "/");
        Assert.Equal("filter", await browser.RunAsync("document.activeElement.id"));
        await browser.TypeAsync("req-23");
        await browser.UntilAsync("document.querySelectorAll('#requests tbody tr.request').length === 1");
        await browser.RunAsync("document.querySelector('#requests tbody button').focus()");
        await browser.PressAsync("Enter");
        await browser.UntilAsync("document.querySelector('#requests tr.why') !== null");
        var why = await browser.RunAsync("document.querySelector('#requests tr.why').innerText");
        Assert.Matches("(?s)(places|ahead|before it|engine).*", why);
        Assert.Equal("true", await browser.RunAsync("document.querySelector('#requests tbody button').getAttribute('aria-expanded')"));

        // The space bar holds the picture.
        await browser.PressAsync("Escape");
        await browser.RunAsync("document.activeElement.blur()");
        await browser.PressAsync(" ", " ");
        await browser.UntilAsync("document.querySelector('#pause').getAttribute('aria-pressed') === 'true'");
        await PictureAsync(browser, "light");
        await browser.EmulateAsync("dark");
        await PictureAsync(browser, "dark");

        Assert.Empty(browser.Complaints);
        end.SetResult();
        foreach (var answer in answers) await answer;
    }

    private static async Task PictureAsync(Browser browser, string name)
    {
        if (Environment.GetEnvironmentVariable("SLUICE_PICTURES") is { } folder)
            await File.WriteAllBytesAsync(Path.Combine(folder, $"dashboard-{name}.png"), await browser.PictureAsync());
    }

    private static FakeUpstream Held(string name, string model, Task end) => new(name, model)
    {
        SequencesMax = 2,
        Script = async (call, sink, cancel) =>
        {
            await end.WaitAsync(cancel);
            return await FakeUpstream.WordsAsync(call, sink, cancel, "one");
        },
    };
}
