using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice predictor</c>: learns answer lengths from a workload, and says how good what was learned is.</summary>
public static class PredictorCommand
{
    public static Command Create(Terminal terminal) => new("predictor", "Learn answer lengths from a workload, and check what was learned.")
    {
        Train(terminal), Evaluate(terminal),
    };

    private static Command Train(Terminal terminal)
    {
        var source = new Source();
        var output = new Option<string>("--out") { Description = "file to write", HelpName = "FILE", Required = true };
        var command = new Command("train", "Fit a ranker and quantile trees to a workload and write them to a file.") { output };
        source.AddTo(command);
        command.SetAction(parsed =>
        {
            var path = parsed.GetValue(output)!;
            if (Directory.Exists(path)) throw new InputException($"--out {path}: is a folder, expected a file.");
            var load = source.Load(parsed, terminal);
            var model = TrainedLength.Train(load.Requests, load.OutputTokens);
            PredictorFile.Write(model, path);
            terminal.Out.WriteLine($"learned from {model.Trained:N0} requests of {load.Name}; wrote {path}");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Evaluate(Terminal terminal)
    {
        var source = new Source();
        var model = new Option<string?>("--model") { Description = "file that 'train' wrote; none for those that learn while serving",
            HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "print one JSON object to standard output" };
        var command = new Command("evaluate", "Predict each request of a workload and compare with the truth.") { model, json };
        source.AddTo(command);
        command.SetAction(parsed =>
        {
            var trained = parsed.GetValue(model) is { } path ? PredictorFile.Read(path) : null;
            var load = source.Load(parsed, terminal);
            var results = new List<(string Name, PredictorScore Score)>();
            if (trained is not null)
            {
                results.Add(("trained", PredictorScore.Of(trained, load)));
                results.Add(("trained, ranker", PredictorScore.Of(new RankedLength(trained.Ranker), load)));
            }

            results.Add(("learned (mean per class)", PredictorScore.Of(new LearnedLength(), load)));
            results.Add(("histogram", PredictorScore.Of(new HistogramLength(), load)));
            results.Add(("ranker", PredictorScore.Of(new RankedLength(), load)));
            if (parsed.GetValue(json)) terminal.WriteText(stream => WriteJson(results, stream));
            else WriteTable(results, terminal);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void WriteTable(List<(string Name, PredictorScore Score)> results, Terminal terminal)
    {
        terminal.Out.WriteLine("predictor                 Kendall tau   mean error   within p95");
        foreach (var (name, s) in results)
            terminal.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{name,-24}  {s.Tau,11:0.000}  {s.MeanError,7:0.0} tok  {s.Covered,10:P1}"));
        terminal.Out.WriteLine("In order of arrival; those that learn while serving learn from each answer after it was predicted.");
    }

    private static void WriteJson(List<(string Name, PredictorScore Score)> results, Stream stream)
    {
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartArray("predictors");
            foreach (var (name, s) in results)
            {
                json.WriteStartObject();
                json.WriteString("name", name);
                if (double.IsFinite(s.Tau)) json.WriteNumber("tau", s.Tau);
                else json.WriteNull("tau");
                json.WriteNumber("meanErrorTokens", s.MeanError);
                json.WriteNumber("coveredByP95", s.Covered);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        stream.Write("\n"u8);
    }

    /// <summary>What callers are taken to allow where no caps are known [tokens].</summary>
    private const int NoCap = 4096;

    /// <summary>Where requests and their true lengths come from.</summary>
    private sealed class Source
    {
        private readonly Option<string?> _trace = new("--trace") { Description = "recorded workload", HelpName = "FILE" };
        private readonly Option<string?> _format = new("--format") { Description = "of the trace [auto]", HelpName = "NAME" };
        private readonly Option<string?> _workload = new("--workload") { Description = "generated workload, when there is no trace",
            HelpName = "SPEC" };
        private readonly Option<int?> _take = new("--take") { Description = "first requests only", HelpName = "N" };
        private readonly Option<int> _skip = new("--skip") { Description = "leave out the first requests", HelpName = "N" };

        public void AddTo(Command command)
        {
            foreach (var option in (Option[])[_trace, _format, _workload, _take, _skip]) command.Options.Add(option);
        }

        public Workload Load(ParseResult parsed, Terminal terminal)
        {
            var spec = new RunSpec
            {
                Trace = parsed.GetValue(_trace),
                Format = parsed.GetValue(_format) ?? "auto",
                Workload = parsed.GetValue(_workload),
            };
            if (spec.Trace is not null && spec.Workload is not null)
                throw new InputException("--workload: there is a --trace already; expected one of the two.");
            var load = Runner.LoadWorkload(spec, terminal.Stop);
            var skip = Math.Max(0, parsed.GetValue(_skip));
            var take = Math.Max(0, Math.Min(parsed.GetValue(_take) ?? int.MaxValue, load.Requests.Length - skip));
            if (take < TrainedLength.TrainedMin)
                throw new InputException(
                    $"{load.Name}: {take} requests to learn from or to predict, expected at least {TrainedLength.TrainedMin}.");
            var part = load with
            {
                Requests = [.. load.Requests.Skip(skip).Take(take)],
                OutputTokens = [.. load.OutputTokens.Skip(skip).Take(take)],
            };
            var hasCaps = part.Requests.Where((r, i) => r.MaxOutputTokens != part.OutputTokens[i]).Any();
            return hasCaps ? part : part.Capped(NoCap); // Caps that are the truth would give it away.
        }
    }
}
