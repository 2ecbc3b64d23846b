using FsCheck;
using FsCheck.Fluent;

namespace Sluice.Core.Tests;

/// <summary>Random scripts of operations for state machines: each number is one operation, decoded by its reader. A failing
/// script is cut down to the operations that matter and printed with the seed that replays it.</summary>
internal static class Scripts
{
    public static void ForAll(int scripts, int lengthMax, Action<int[]> run)
    {
        var script =
            from length in Gen.Choose(0, lengthMax)
            from steps in Gen.Choose(0, int.MaxValue - 1).ArrayOf(length)
            select steps;
        Prop.ForAll(Arb.From(script, Shorter), run).Check(Config.QuickThrowOnFailure.WithMaxTest(scripts));
    }

    private static IEnumerable<int[]> Shorter(int[] script)
    {
        for (var cut = script.Length; cut > 0; cut /= 2)
            for (var start = 0; start + cut <= script.Length; start += cut)
                yield return [.. script.AsSpan(0, start), .. script.AsSpan(start + cut)];
    }
}
