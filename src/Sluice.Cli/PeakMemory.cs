using System.Diagnostics;

namespace Sluice.Cli;

public static class PeakMemory
{
    /// <summary>Most physical memory this process has had so far [MB].</summary>
    public static double Megabytes
    {
        get
        {
            using var process = Process.GetCurrentProcess();
            return process.PeakWorkingSet64 / 1e6;
        }
    }
}
