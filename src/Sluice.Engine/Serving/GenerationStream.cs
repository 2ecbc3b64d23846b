using System.Threading.Channels;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>A piece of an answer as its caller reads it.</summary>
/// <param name="End">Set on the last part of each answer, whose token means nothing.</param>
public readonly record struct AnswerPart(int Sample, TokenChoice Token, AnswerEnd? End);

/// <summary>Hands the answers of one generation from the engine's thread to a reader. The engine never waits for the reader:
/// there is room for all that can come.</summary>
public sealed class GenerationStream : IGenerationSink
{
    /// <summary>Most evictions of one generation: the end of each takes room in the stream until it is read.</summary>
    public const int EvictionsMax = 256;

    private readonly Channel<AnswerPart> _parts;
    private int _left; // answers that have not ended
    private int _running; // of these, on the engine
    private volatile bool _isPaused;

    /// <param name="samples">Answers asked for.</param>
    /// <param name="outputTokensMax">Longest answer [tokens], as far as the engine allows: its TokensMax bounds it.</param>
    public GenerationStream(int samples, int outputTokensMax)
    {
        _left = _running = samples;
        _parts = Channel.CreateBounded<AnswerPart>(new BoundedChannelOptions(checked(samples * (outputTokensMax + 2 + EvictionsMax)))
        {
            SingleReader = true,
            SingleWriter = true,
        });
    }

    /// <summary>Ends after the end of the last answer.</summary>
    public ChannelReader<AnswerPart> Parts => _parts.Reader;

    /// <summary>Whatever has not ended was evicted: after what can be read now, nothing comes until it is resumed.</summary>
    public bool IsPaused => _isPaused;

    /// <summary>To be called before the engine is asked to resume what was evicted.</summary>
    public void GoOn()
    {
        Check.That(_isPaused);
        _running = _left;
        _isPaused = false;
    }

    /// <summary>A sink for a generation whose answers are counted from <paramref name="first"/> on: several generations of
    /// one engine into one stream.</summary>
    public IGenerationSink From(int first) => first == 0 ? this : new Shifted(this, first);

    void IGenerationSink.OnToken(int sample, in TokenChoice token) => Write(new(sample, token, null));

    void IGenerationSink.OnEnd(int sample, in AnswerEnd end)
    {
        _running--;
        if (end.Reason != EndReason.Evicted) _left--;
        _isPaused = _running == 0 && _left > 0; // Before the part that a reader may wait for.
        Write(new(sample, default, end));
        if (_left == 0) _parts.Writer.Complete();
    }

    private void Write(in AnswerPart part)
    {
        var isWritten = _parts.Writer.TryWrite(part);
        Check.That(isWritten);
    }

    private sealed class Shifted(IGenerationSink to, int first) : IGenerationSink
    {
        public void OnToken(int sample, in TokenChoice token) => to.OnToken(first + sample, in token);

        public void OnEnd(int sample, in AnswerEnd end) => to.OnEnd(first + sample, in end);
    }
}
