using System.Runtime.InteropServices;

namespace Sluice.Benchmarks;

public static class Machine
{
    /// <summary>Processor and runtime, as a figure must name them.</summary>
    public static string Describe()
    {
        var processor = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            : null;
        return $"{processor ?? RuntimeInformation.ProcessArchitecture.ToString()}, {Environment.ProcessorCount} cores, " +
            $"{RuntimeInformation.FrameworkDescription}";
    }
}
