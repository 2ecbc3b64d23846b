using System.CommandLine;
using System.Globalization;
using Sluice.Simulation;
using Spectre.Console;

namespace Sluice.Cli;

/// <summary><c>sluice profiles</c>: the engine profiles, how well each fits, and where it comes from.</summary>
public static class ProfilesCommand
{
    public static Command Create()
    {
        var name = new Argument<string?>("profile")
        {
            Description = "show this one with its coefficients and origin",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("profiles", "List the engine profiles: models on devices, with fit and origin.") { name };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(name) is { } profile) Describe(ProfileCatalog.Find(profile));
            else List();
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void List()
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("profile");
        foreach (var heading in (string[])["decode 1 [ms]", "decode 128 [ms]", "prefill 512 [ms]", "KV tokens", "weights [GB]", "fit error"])
            table.AddColumn(Markup.Escape(heading), c => c.RightAligned());
        foreach (var p in ProfileCatalog.Entries)
        {
            var time = new ClosedFormStepTime(p);
            table.AddRow(
                p.Name, Milliseconds(time, 0, 1), Milliseconds(time, 0, 128), Milliseconds(time, 512, 0),
                p.KvTokens.ToString("#,##0", CultureInfo.InvariantCulture),
                p.WeightGigabytes.ToString("0.#", CultureInfo.InvariantCulture),
                p.Fit is { } fit ? FormattableString.Invariant($"{fit.MeanErrorPercent:0.0} %") : "-");
        }

        AnsiConsole.Write(table);
        AnsiConsole.WriteLine("Step times of the closed form, decodes at a context of 1,024 tokens. 'sluice profiles NAME' tells the origin;");
        AnsiConsole.WriteLine("'sluice validate DIR' holds profiles against measured runs. Own profiles: --profile FILE.json");
    }

    private static void Describe(EngineProfile p)
    {
        var k = p.Coefficients;
        AnsiConsole.WriteLine($"{p.Name}: {p.Model} on {p.Device}, tensor parallel {p.TensorParallel}");
        AnsiConsole.WriteLine(p.Origin);
        var table = new Table().Border(TableBorder.Simple).AddColumns("coefficient", "value", "of");
        Add("a", k.A, "ms per step");
        Add("b", k.B, "ms per prefill token");
        Add("c", k.C, "ms per decoding sequence");
        Add("d", k.D, "ms per context token of decodes");
        Add("e", k.E, "ms per (query, key) pair of prompts");
        Add("g", k.G, FormattableString.Invariant($"ms per token beyond {k.N0}"));
        Add("m", k.M, "ms per context token, when prompts run beside decodes");
        Add("h", k.H, "ms, when prompts run beside decodes");
        if (k.Experts > 0) Add("x", k.X, $"ms when all {k.Experts} experts are touched, {k.TopK} per token");
        AnsiConsole.Write(table);
        AnsiConsole.WriteLine(FormattableString.Invariant(
            $"KV: {p.KvTokens:#,##0} tokens of {p.KvBytesPerToken:#,##0} bytes; weights {p.WeightGigabytes} GB"));
        AnsiConsole.WriteLine(FormattableString.Invariant(
            $"delivery: {p.FirstTokenExtraIterations} iterations and {p.ApiOverheadMilliseconds} ms after the step that computes a token"));

        void Add(string name, double value, string of) =>
            table.AddRow(name, value.ToString("G4", CultureInfo.InvariantCulture), Markup.Escape(of));
    }

    private static string Milliseconds(ClosedFormStepTime time, int prefill, int decodes)
    {
        var shape = new Core.BatchShape
        {
            PrefillTokens = prefill,
            AttentionPairsTwice = (long)prefill * prefill,
            DecodeSequences = decodes,
            ContextTokens = 1024L * decodes,
        };
        return (time.StepTime(in shape) / 1e12).ToString("0.00", CultureInfo.InvariantCulture);
    }
}
