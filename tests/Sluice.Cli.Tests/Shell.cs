using System.Text.Json;

namespace Sluice.Cli.Tests;

/// <summary>What a command left behind.</summary>
public sealed record Ran(int Code, string Out, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;

    public string Fingerprint => Json.GetProperty("fingerprint").GetString()!;
}

/// <summary>The command line, without a process.</summary>
public static class Shell
{
    /// <summary>A run of well under a second.</summary>
    public const string Quick = "poisson:rate=20,n=200,prompt=128,output=32";

    /// <summary>Columns of the terminal that is played here.</summary>
    public const int Width = 100;

    public static Ran Run(params string[] args) => Run(default, args);

    public static Ran Run(CancellationToken stop, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = App.Run(args, new Terminal(output, error) { Stop = stop, Width = Width });
        return new(code, output.ToString(), error.ToString());
    }

    /// <summary>As <see cref="Run(string[])"/>, for a run that must succeed.</summary>
    public static Ran Succeed(params string[] args)
    {
        var ran = Run(args);
        Assert.True(ran.Code == ExitCodes.Ok, $"sluice {string.Join(' ', args)}: {ran.Code}\n{ran.Error}");
        return ran;
    }
}
