using System.CommandLine;
using System.CommandLine.Parsing;

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

    public RunOptions(Command command)
    {
        foreach (var flag in RunFlag.All)
        {
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

        command.Options.Add(_config);
    }

    /// <exception cref="Core.InputException">A value cannot be used.</exception>
    public RunSpec Read(ParseResult parsed)
    {
        var spec = new RunSpec();
        if (parsed.GetValue(_config) is { } config) spec = ConfigFile.Apply(config, spec);
        foreach (var flag in RunFlag.All)
            foreach (var value in parsed.GetValue(_options[flag]) ?? [])
                spec = flag.Apply(spec, value);

        // A generated workload asked for on the command line replaces a saved trace.
        var isGiven = parsed.GetResult(_options[RunFlag.Named("workload", "")]) is OptionResult { Implicit: false };
        var isTraceGiven = parsed.GetResult(_options[RunFlag.Named("trace", "")]) is OptionResult { Implicit: false };
        if (isGiven && isTraceGiven) throw new Core.InputException("--trace and --workload: give one of them, not both.");
        return isGiven ? spec with { Trace = null } : spec;
    }
}
