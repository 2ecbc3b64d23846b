using Sluice.Benchmarks;

// Prints the figures the design asks for, measured here and now. Times are for reading, never for gating.
if (args is ["--help" or "-h"])
{
    Console.WriteLine("usage: dotnet run -c Release --project benchmarks/Sluice.Benchmarks [-- RUNS [TRACE.csv.gz]]");
    Console.WriteLine("       dotnet run -c Release --project benchmarks/Sluice.Benchmarks -- store [RUNS]");
    Console.WriteLine("       dotnet run -c Release --project benchmarks/Sluice.Benchmarks -- qlm [RUNS]");
    Console.WriteLine("       dotnet run -c Release --project benchmarks/Sluice.Benchmarks -- engine [SECONDS [THREADS...]]");
    Console.WriteLine("       benchmarks/gateway.sh [SECONDS]     which uses: gateway stub PORT, stream PORT RATE SECONDS, queue PORT PID COUNT, bytes");
    Console.WriteLine("       dotnet run -c Release --project benchmarks/Sluice.Benchmarks -- tokenize MODEL.gguf TEXT");
    Console.WriteLine("       dotnet run -c Release --project benchmarks/Sluice.Benchmarks -- decisions [RUNS [SYSTEM]]");
    Console.WriteLine("       dotnet run -c Release --project benchmarks/Sluice.Benchmarks -- mixed [--quick]");
    return 0;
}

if (args is ["gateway", "stub", var stubPort])
{
    await StubEngine.RunAsync(Number(stubPort));
    return 0;
}

if (args is ["gateway", "stream", var streamPort, var perSecond, var streamSeconds])
{
    Console.WriteLine(await StreamLoad.MeasureAsync(Number(streamPort), Number(perSecond), Number(streamSeconds)));
    return 0;
}

if (args is ["gateway", "bytes"])
{
    Console.WriteLine(await Allocations.MeasureAsync());
    return 0;
}

if (args is ["gateway", "queue", var queuePort, var process, var requests])
{
    Console.WriteLine(await QueueLoad.MeasureAsync(Number(queuePort), Number(process), Number(requests)));
    return 0;
}

if (args is ["engine", ..])
{
    var seconds = args.Length > 1 && int.TryParse(args[1], out var wanted) && wanted is >= 1 and <= 60 ? wanted : 3;
    int[] threads = [.. args.Skip(2).Select(a => int.TryParse(a, out var n) && n is >= 1 and <= 256 ? n : 1)];
    EngineFigures.Print(seconds, threads is [] ? [1, Environment.ProcessorCount] : threads);
    return 0;
}

if (args is ["tokenize", var model, var text])
{
    TokenizerFigures.Print(model, text, runs: 5);
    return 0;
}

if (args is ["decisions", ..])
{
    var times = args.Length > 1 && int.TryParse(args[1], out var n) && n is >= 1 and <= 100 ? n : 3;
    DecisionFigures.Print(times, args.Length > 2 ? args[2] : null);
    return 0;
}

if (args is ["mixed", ..])
{
    await MixedTable.PrintAsync(isQuick: args is [_, "--quick"]);
    return 0;
}

var what = args is ["store" or "qlm", ..] ? args[0] : "";
var rest = what == "" ? args : args[1..];
var runs = rest.Length > 0 && int.TryParse(rest[0], out var given) && given is >= 1 and <= 100 ? given : 5;
Console.WriteLine(
    $"# {what switch { "store" => "Store", "qlm" => "QLM", _ => "Simulator" }} figures\n\n{Machine.Describe()}; "
    + (what == "qlm" ? "best of many rounds, one thread\n" : $"median of {runs} runs")
    + (what == "" ? " after one warm-up, one thread\n" : what == "store" ? "\n" : ""));
Console.WriteLine("| what | figure | wanted |\n|---|---:|---:|");
var figures = what switch
{
    "store" => StoreFigures.All(),
    "qlm" => QlmFigures.All(),
    _ => Figures.All(rest.Length > 1 ? rest[1] : null),
};
foreach (var figure in figures)
{
    var (value, wanted) = figure.Measure(runs);
    Console.WriteLine($"| {figure.What} | {value} | {wanted} |");
}

return 0;

static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
