namespace Sluice.Core;

/// <summary>A tool called in the middle of an answer: the answer waits, then goes on with the tool's result in its
/// context.</summary>
/// <param name="After">Output tokens after which it is called, at least 1, less than the whole answer.</param>
/// <param name="Duration">How long the tool takes.</param>
/// <param name="ResponseTokens">Tokens of its result; they are context, not output.</param>
/// <param name="Tool">Kind of tool, for averages.</param>
public readonly record struct ToolCall(int After, TimeSpan Duration, int ResponseTokens, int Tool = 0);

/// <summary>What becomes of a sequence's KV while a tool works.</summary>
public enum CallHandling : byte
{
    /// <summary>Computed again afterwards.</summary>
    Recompute,

    /// <summary>Stays where it is; given up if blocks run short.</summary>
    Preserve,

    /// <summary>Goes to host memory, or is computed again where that is full. For schedulers that bring swapped sequences
    /// back.</summary>
    Swap,
}
