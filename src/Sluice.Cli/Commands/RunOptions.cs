using System.CommandLine;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary>The flags of <see cref="RunFlag"/> as options of a command, and <c>--config</c>.</summary>
public sealed class RunOptions
{
    private readonly Dictionary<RunFlag, Option<string[]>> _options = [];
    private readonly Option<string> _config = new("--config")
    {
        Description = "saved run (run.json of --out, or YAML); flags given besides win",
        HelpName = "FILE",
    };

    /// <param name="command">Gets the options.</param>
    /// <param name="only">Flags to offer; null for all.</param>
    public RunOptions(Command command, IReadOnlyList<string>? only = null)
    {
        foreach (var flag in RunFlag.All)
        {
            if (only is not null && !only.Contains(flag.Name)) continue;
            var option = new Option<string[]>("--" + flag.Name)
            {
                Description = flag.Help,
                HelpName = flag.Argument,
                Arity = ArgumentArity.OneOrMore,
                AllowMultipleArgumentsPerToken = false,
            };
            _options.Add(flag, option);
            command.Options.Add(option);
        }

        if (only is null) command.Options.Add(_config);
    }

    /// <exception cref="InputException">A value cannot be used.</exception>
    public RunSpec Read(ParseResult parsed)
    {
        var spec = new RunSpec();
        if (parsed.GetValue(_config) is { } config) spec = ConfigFile.Apply(config, spec);
        if (IsGiven(parsed, "trace") && IsGiven(parsed, "workload"))
            throw new InputException("--trace and --workload: expected one of them.");

        // What the command line says replaces what would contradict it in a saved run.
        if (IsGiven(parsed, "workload")) spec = spec with { Trace = null, Format = "auto", Arrivals = null };
        if (IsGiven(parsed, "trace")) spec = spec with { Workload = null };
        if (IsGiven(parsed, "profile") && Fleet.IsList(string.Join(',', Values(parsed, "profile"))))
            spec = spec with { Engines = null };
        foreach (var flag in RunFlag.All)
        {
            var values = Values(parsed, flag.Name);
            if (flag.IsList && values.Length > 0) values = [string.Join(',', values)];
            foreach (var value in values) spec = flag.Apply(spec, value);
        }

        return spec;
    }

    /// <summary>The flag stands on the command line.</summary>
    public bool IsGiven(ParseResult parsed, string name) => Values(parsed, name).Length > 0;

    private string[] Values(ParseResult parsed, string name) =>
        _options.TryGetValue(RunFlag.Named(name, ""), out var option) ? parsed.GetValue(option) ?? [] : [];
}
