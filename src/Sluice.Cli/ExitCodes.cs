namespace Sluice.Cli;

public static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>It ran, and the answer is no: a target missed, a disk full.</summary>
    public const int Failed = 1;

    /// <summary>What was asked for cannot be done; the message says why.</summary>
    public const int BadInput = 2;

    /// <summary>Ctrl-C.</summary>
    public const int Interrupted = 130;
}
