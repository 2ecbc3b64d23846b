using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Sluice.Core;
using Sluice.Engine;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice profile</c>: how long a model's steps take here, as a profile for the simulator.</summary>
public static class ProfileCommand
{
    private const int RoundsMin = 3;

    public static Command Create(Terminal terminal)
    {
        var model = new Argument<string>("MODEL") { Description = "model file (.gguf)" };
        var seconds = new Option<int?>("--seconds")
        {
            Description = "how long to measure; at least three rounds are [30]", HelpName = "N",
        };
        var to = new Option<string>("--out")
        {
            Description = "write the profile to a file, for --profile FILE", HelpName = "FILE",
        };
        var json = new Option<bool>("--json") { Description = "print the profile to standard output" };
        var engine = new EngineOptions();
        var command = new Command("profile", "Time the steps of a model file here and fit an engine profile.")
        {
            model, seconds, to, json,
        };
        engine.AddTo(command);
        command.SetAction(parsed => Execute(
            parsed.GetValue(model)!, parsed.GetValue(seconds) ?? 30, parsed.GetValue(to), parsed.GetValue(json), engine.Read(parsed),
            terminal));
        return command;
    }

    private static int Execute(string path, int seconds, string? to, bool isJson, EngineSettings settings, Terminal terminal)
    {
        if (seconds is < 1 or > 86_400) throw new InputException($"--seconds {seconds}: expected 1 to 86400.");
        using var model = OpenModel.Open(path, settings);
        var timer = new StepTimer(model, StepShape.Grid(settings.Serving, model.Loop.TokensMax));
        timer.Warm(terminal.Stop);
        var clock = Stopwatch.StartNew();
        while (timer.Rounds < RoundsMin || clock.Elapsed.TotalSeconds < seconds) timer.Round(terminal.Stop);

        var samples = timer.Samples();
        var profile = MeasuredProfile.Of(model, path, settings.Threads, samples, timer.Rounds);
        if (to is not null)
        {
            using var file = File.Create(to);
            MeasuredProfile.Write(file, profile);
            terminal.Error.WriteLine($"wrote {to}");
        }

        if (isJson) terminal.WriteText(stream => MeasuredProfile.Write(stream, profile));
        else Print(terminal, profile, samples);
        return ExitCodes.Ok;
    }

    private static void Print(Terminal terminal, EngineProfile profile, IReadOnlyList<StepSample> samples)
    {
        var time = new ClosedFormStepTime(profile);
        var listing = new Listing("decodes", "context", "prompt", "after", "measured", "fitted", "off")
        {
            RightAligned = [0, 1, 2, 3, 4, 5, 6],
        };
        foreach (var (shape, milliseconds) in samples)
        {
            var fitted = time.StepTime(shape.Batch) / 1e12;
            listing.Add(
                Whole(shape.Decodes), Whole(shape.Context), Whole(shape.Prefill), Whole(shape.Before),
                Number(milliseconds) + " ms", Number(fitted) + " ms",
                ((fitted / milliseconds - 1) * 100).ToString("+0;-0;0", CultureInfo.InvariantCulture) + " %");
        }

        listing.Write(terminal.Out, terminal.Width);
        terminal.Out.WriteLine();
        var k = profile.Coefficients;
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{profile.Name}: a {k.A:G4}  b {k.B:G4}  c {k.C:G4}  d {k.D:G4}  e {k.E:G4}  g {k.G:G4}  n0 {k.N0}  m {k.M:G4}  ")
            + string.Create(CultureInfo.InvariantCulture, $"h {k.H:G4} [ms]"));
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"R² {profile.Fit!.R2:0.0000}, off by {profile.Fit.MeanErrorPercent} % in the mean, ")
            + string.Create(CultureInfo.InvariantCulture, $"{profile.Fit.P95ErrorPercent} % at the 95th percentile"));
    }

    private static string Whole(int number) => number == 0 ? "" : number.ToString(CultureInfo.InvariantCulture);
    private static string Number(double number) => number.ToString("0.000", CultureInfo.InvariantCulture);
}
