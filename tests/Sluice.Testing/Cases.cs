using System.Globalization;

namespace Sluice.Testing;

/// <summary>How many random cases to try. <c>SLUICE_CASES=10</c> tries ten times as many, <c>SLUICE_SEED=123</c> begins at
/// another seed; a failure names the seed that repeats it.</summary>
public static class Cases
{
    public static ulong FirstSeed { get; } = (ulong)FromEnvironment("SLUICE_SEED");

    public static int Count(int byDefault) => byDefault * FromEnvironment("SLUICE_CASES");

    private static int FromEnvironment(string name) =>
        Environment.GetEnvironmentVariable(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : 1;
}
