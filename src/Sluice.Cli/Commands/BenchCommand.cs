using System.CommandLine;
using System.Globalization;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice bench</c>: a workload against any server of the OpenAI API.</summary>
public static class BenchCommand
{
    /// <summary>Flags of a run that say what is sent; the others describe a simulated fleet.</summary>
    private static readonly string[] s_flags = ["trace", "format", "arrivals", "workload", "take", "scale", "seed", "slo"];

    public static Command Create(Terminal terminal)
    {
        var command = new Command("bench", "Throw a workload at a server of the OpenAI API and measure what comes back.");
        var url = new Option<string>("--url") { Description = "where the server is [http://127.0.0.1:8080]", HelpName = "URL" };
        var model = new Option<string>("--model") { Description = "model to ask for [the first it lists]", HelpName = "NAME" };
        var key = new Option<string>("--api-key") { Description = "sent as bearer token [$OPENAI_API_KEY]", HelpName = "KEY" };
        var endpoint = new Option<string>("--endpoint") { Description = "chat or completions [chat]", HelpName = "NAME" };
        var concurrency = new Option<string>("--concurrency")
        {
            Description = "most requests under way at once; more wait here [no limit]", HelpName = "N",
        };
        var rate = new Option<string>("--rate")
        {
            Description = "Poisson arrivals per second in place of the workload's own, or inf for all at once", HelpName = "R",
        };
        var goodput = new Option<string[]>("--goodput")
        {
            Description = "what makes a request good, in ms: ttft:500 tpot:50 e2el:10000 [the workload's promises]",
            HelpName = "NAME:MS", AllowMultipleArgumentsPerToken = true,
        };
        var natural = new Option<bool>("--natural-length")
        {
            Description = "let answers end where they end; without it, servers are asked to go on by ignore_eos",
        };
        var json = new Option<bool>("--json") { Description = "print one JSON object, with vLLM's keys" };
        foreach (var option in new Option[] { url, model, key, endpoint, concurrency, rate, goodput, natural, json })
            command.Options.Add(option);
        var run = new RunOptions(command, s_flags);

        command.SetAction(parsed =>
        {
            var options = new BenchOptions
            {
                Address = ReadUrl(parsed.GetValue(url) ?? "http://127.0.0.1:8080"),
                Model = parsed.GetValue(model) ?? "",
                ApiKey = parsed.GetValue(key) ?? Environment.GetEnvironmentVariable("OPENAI_API_KEY"),
                IsChat = ReadEndpoint(parsed.GetValue(endpoint) ?? "chat"),
                ConcurrencyMax = parsed.GetValue(concurrency) is { } n ? RunFlag.Whole("concurrency", n, 1, 1 << 20) : int.MaxValue,
                Rate = parsed.GetValue(rate) is { } r ? ReadRate(r) : null,
                Goodput = Goodput.Parse(parsed.GetValue(goodput) ?? []),
                IgnoreEos = !parsed.GetValue(natural),
            };
            var spec = run.Read(parsed);
            Runner.Check(spec);
            var workload = Runner.LoadWorkload(spec, terminal.Stop);
            if (workload.FollowUps is not null)
                throw new InputException("--workload: programs, whose later stages wait for earlier ones, can only be simulated.");
            return ExecuteAsync(options, workload, parsed.GetValue(json), terminal).GetAwaiter().GetResult();
        });
        return command;
    }

    private static async Task<int> ExecuteAsync(BenchOptions options, Workload workload, bool isJson, Terminal terminal)
    {
        if (options.Model.Length == 0)
        {
            using var asker = new BenchCaller(options);
            options = options with { Model = await asker.FirstModelAsync(terminal.Stop) };
        }

        BenchLog log;
        using (var caller = new BenchCaller(options))
        using (var progress = new Progress($"{options.Model} at {options.Address}", terminal))
            log = await new BenchRun(options, workload, caller).RunAsync(progress.Report, terminal.Stop);

        var summary = BenchSummary.Of(log, options);
        if (isJson) terminal.WriteText(stream => BenchJson.Write(summary, stream));
        else BenchTable.Write(summary, terminal.Out);
        return log.WasStopped ? ExitCodes.Interrupted : summary.Completed == 0 ? ExitCodes.Failed : ExitCodes.Ok;
    }

    private static Uri ReadUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw new InputException($"--url {text}: expected an address such as http://127.0.0.1:8080.");

    private static bool ReadEndpoint(string text) => text switch
    {
        "chat" => true,
        "completions" => false,
        _ => throw new InputException($"--endpoint {text}: expected chat or completions."),
    };

    private static double ReadRate(string text) =>
        text == "inf" ? double.PositiveInfinity
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var rate) && rate is > 0 and < 1e6 ? rate
        : throw new InputException($"--rate {text}: expected requests per second, above 0, or inf.");
}
