using System.CommandLine;
using System.Globalization;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice profiles</c>: the engine profiles, how well each fits, and where it comes from.</summary>
public static class ProfilesCommand
{
    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string?>("profile")
        {
            Description = "show this one with its coefficients and origin",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("profiles", "List the engine profiles: models on devices, with fit and origin.") { name };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(name) is { } profile) Describe(ProfileCatalog.Find(profile), terminal);
            else List(terminal);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void List(Terminal terminal)
    {
        var listing = new Listing("profile", "decode 1", "decode 128", "prefill 512", "KV tokens", "weights", "fit error")
        {
            RightAligned = [1, 2, 3, 4, 5, 6],
        };
        foreach (var p in ProfileCatalog.Entries)
        {
            var time = new ClosedFormStepTime(p);
            listing.Add(
                p.Name, Milliseconds(time, 0, 1), Milliseconds(time, 0, 128), Milliseconds(time, 512, 0),
                p.KvTokens.ToString("#,##0", CultureInfo.InvariantCulture),
                p.WeightGigabytes.ToString("0.#", CultureInfo.InvariantCulture) + " GB",
                p.Fit is { } fit ? FormattableString.Invariant($"{fit.MeanErrorPercent:0.0} %") : "-");
        }

        listing.Write(terminal.Out, terminal.Width);
        terminal.Out.WriteLine();
        Listing.WriteText(
            terminal.Out, "Step times of the closed form, in ms, for 1 and 128 decodes at a context of 1,024 tokens and for a "
            + "prompt of 512. 'sluice profiles NAME' tells the origin; 'sluice validate DIR' holds profiles "
            + "against measured runs. Own profiles: "
            + "--profile FILE.json.", terminal.Width);
    }

    private static void Describe(EngineProfile p, Terminal terminal)
    {
        var k = p.Coefficients;
        terminal.Out.WriteLine($"{p.Name}: {p.Model} on {p.Device}, tensor parallel {p.TensorParallel}");
        Listing.WriteText(terminal.Out, p.Origin, terminal.Width);
        terminal.Out.WriteLine();
        var listing = new Listing("coefficient", "value", "of a step's time");
        Add("a", k.A, "ms per step");
        Add("b", k.B, "ms per prefill token");
        Add("c", k.C, "ms per decoding sequence");
        Add("d", k.D, "ms per context token of decodes");
        Add("e", k.E, "ms per (query, key) pair of prompts");
        Add("g", k.G, FormattableString.Invariant($"ms per token beyond {k.N0}"));
        Add("m", k.M, "ms per context token, when prompts run beside decodes");
        Add("h", k.H, "ms, when prompts run beside decodes");
        if (k.Experts > 0) Add("x", k.X, $"ms when all {k.Experts} experts are touched, {k.TopK} per token");
        listing.Write(terminal.Out, terminal.Width);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(FormattableString.Invariant(
            $"KV: {p.KvTokens:#,##0} tokens of {p.KvBytesPerToken:#,##0} bytes; weights {p.WeightGigabytes} GB"));
        terminal.Out.WriteLine(FormattableString.Invariant(
            $"delivery: {p.FirstTokenExtraIterations} iterations and {p.ApiOverheadMilliseconds} ms after the step that computes a token"));

        void Add(string name, double value, string of) => listing.Add(name, value.ToString("G4", CultureInfo.InvariantCulture), of);
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
