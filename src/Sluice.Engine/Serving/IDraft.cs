namespace Sluice.Engine;

/// <summary>Guesses the next tokens of a sequence; the model then verifies them all in one step.</summary>
/// <remarks>A wrong guess costs a row of the step and never a wrong token. Called on the engine's thread after each token of
/// the sequence, so it must be cheap against a step.</remarks>
public interface IDraft
{
    /// <summary>Whether it remembers sequences: then it is one engine's, and a sequence that moves to another leaves it
    /// behind.</summary>
    bool KeepsState => false;

    /// <param name="sequence">Names the sequence among those of the engine; for drafts that keep state.</param>
    /// <param name="tokens">Prompt and output so far, the newest token included.</param>
    /// <param name="drafts">Room for as many guesses as are wanted.</param>
    /// <returns>How many were made, 0 if nothing suggests itself.</returns>
    int Guess(long sequence, ReadOnlySpan<int> tokens, Span<int> drafts);

    /// <summary>The sequence is over.</summary>
    void Forget(long sequence)
    {
    }
}
