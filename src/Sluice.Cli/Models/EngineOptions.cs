using System.CommandLine;
using System.Globalization;
using Sluice.Core;
using Sluice.Engine;
using Sluice.Policies;

namespace Sluice.Cli;

/// <summary>Flags of the commands that run a model here: how, not what.</summary>
internal sealed class EngineOptions
{
    private readonly Option<string> _system = new("--system")
    {
        Description = "iteration scheduler, by its name in 'sluice policies'; answers are the same with every one [vllm-v1]",
        HelpName = "NAME",
    };
    private readonly Option<int?> _threads = Whole("--threads", "threads that compute [all cores]");
    private readonly Option<string> _kvMemory = new("--kv-memory")
    {
        Description = "memory for KV, as 512MB or 4GB [what the sequences can use, at most 1GB and a quarter of the machine]",
        HelpName = "SIZE",
    };
    private readonly Option<int?> _context = Whole("--context", "most tokens of prompt and answer [the model's own]");
    private readonly Option<int?> _tokenBudget = Whole("--token-budget", "most tokens computed in a step [512]");
    private readonly Option<int?> _maxSeqs = Whole("--max-seqs", "most sequences in a step [32]");

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _system, _threads, _kvMemory, _context, _tokenBudget, _maxSeqs })
            command.Options.Add(option);
    }

    public string SystemName(ParseResult parsed) => parsed.GetValue(_system) ?? "vllm-v1";

    /// <exception cref="InputException">A value cannot be used.</exception>
    public EngineSettings Read(ParseResult parsed)
    {
        var system = Catalog.Make(SystemName(parsed), PolicySettings.None);
        return new()
        {
            Scheduler = () => system.Iteration(),
            Threads = InRange(parsed, _threads, 256) ?? Environment.ProcessorCount,
            KvBytes = parsed.GetValue(_kvMemory) is { } size ? ReadSize(size) : null,
            ContextMax = InRange(parsed, _context, int.MaxValue) ?? 0,
            Serving = new()
            {
                TokenBudget = InRange(parsed, _tokenBudget, 65_536) ?? 512,
                SequencesMax = InRange(parsed, _maxSeqs, 4096) ?? 32,
            },
        };
    }

    /// <returns>Bytes.</returns>
    private static long ReadSize(string text)
    {
        var units = new (string Name, long Bytes)[] { ("GB", 1L << 30), ("MB", 1L << 20), ("KB", 1L << 10), ("B", 1) };
        foreach (var (name, bytes) in units)
        {
            if (!text.EndsWith(name, StringComparison.OrdinalIgnoreCase)) continue;
            if (double.TryParse(text[..^name.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                && number > 0 && number * bytes < long.MaxValue / 2)
                return (long)(number * bytes);
            break;
        }

        throw new InputException($"--kv-memory {text}: expected a size such as 512MB or 4GB.");
    }

    private static int? InRange(ParseResult parsed, Option<int?> option, int most) =>
        parsed.GetValue(option) is not { } value ? null
        : value >= 1 && value <= most ? value
        : throw new InputException($"{option.Name} {value}: expected 1 to {most}.");

    private static Option<int?> Whole(string name, string description) => new(name) { Description = description, HelpName = "N" };
}
