using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Sluice.Core;

public sealed class InvariantException(string message) : Exception(message);

/// <summary>Assertions that stay on. They state what must be true if the code is right; they never check the outside
/// world.</summary>
public static class Check
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void That(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string expression = "",
        [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (!condition) Fail(expression, file, line);
    }

    [DoesNotReturn]
    private static void Fail(string expression, string file, int line) =>
        throw new InvariantException($"{Path.GetFileName(file)}:{line}: expected {expression}");
}
