using Sluice.Core;

namespace Sluice.Engine;

/// <summary>How a model file is to be run.</summary>
public sealed record EngineSettings
{
    /// <summary>Decides every step.</summary>
    public required Func<IIterationScheduler> Scheduler { get; init; }

    /// <summary>Threads that compute a step.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Memory for KV [bytes]; null for what <see cref="ServingOptions.SequencesMax"/> sequences of the model's context
    /// take, at most 1 GiB and a quarter of the machine.</summary>
    public long? KvBytes { get; init; }

    /// <summary>Most tokens of prompt and answer together; 0 for what the model was made for.</summary>
    public int ContextMax { get; init; }

    public ServingOptions Serving { get; init; } = new();
}

/// <summary>A model file with everything that answers from it: text, arithmetic, and the loop.</summary>
public sealed class OpenModel : IDisposable
{
    private const long KvBytesMax = 1L << 30;
    private const int BlockTokens = 16;

    private readonly GgufFile _file;
    private readonly Transformer _transformer;

    private OpenModel(GgufFile file, TextModel text, Transformer transformer, EngineSettings settings)
    {
        (_file, Text, _transformer) = (file, text, transformer);
        var serving = settings.Serving.ModelKey != 0 ? settings.Serving : settings.Serving with { ModelKey = KeyOf(file) };
        Loop = new(transformer, settings.Scheduler(), serving, TimeProvider.System);
        SequencesMax = serving.SequencesMax;
        Bytes = transformer.WeightBytes + (long)transformer.BlockBytes * (transformer.TotalBlocks + serving.HostBlocks);
    }

    public TextModel Text { get; }
    public ITransformer Transformer => _transformer;

    /// <summary>One thread's only.</summary>
    public ServingLoop Loop { get; }

    public int SequencesMax { get; }

    /// <summary>Of the weights as they lie in memory.</summary>
    public long WeightBytes => _transformer.WeightBytes;

    /// <summary>Memory of weights and KV.</summary>
    public long Bytes { get; }

    /// <exception cref="InputException">The file cannot be run; the message says what is missing.</exception>
    public static OpenModel Open(string path, EngineSettings settings)
    {
        var file = GgufFile.Open(path);
        try
        {
            var config = ModelConfig.Read(file);
            var tokenizer = Tokenizer.Read(file);
            var text = new TextModel(tokenizer, ChatTemplate.Read(file, tokenizer), config.Pooling);
            var transformer = new Transformer(file, config, new()
            {
                Threads = settings.Threads,
                BlockTokens = BlockTokens,
                TotalBlocks = BlocksOf(config, settings, path),
                ContextMax = settings.ContextMax,
            });
            return new(file, text, transformer, settings);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Gives the model to a thread of its own.</summary>
    public ServingModel Serve(string name) => new(Text, Loop, SequencesMax, Bytes, this, name);

    public void Dispose()
    {
        _transformer.Dispose();
        _file.Dispose();
    }

    private static int BlocksOf(ModelConfig config, EngineSettings settings, string path)
    {
        // Values are padded to whole vectors of 32 elements.
        var width = config.HeadDim + (config.HeadDim + 31) / 32 * 32;
        var blockBytes = (long)config.Layers * config.KvHeads * width * sizeof(float) * BlockTokens;
        var context = settings.ContextMax > 0 ? Math.Min(settings.ContextMax, config.ContextMax) : config.ContextMax;
        var useful = ((long)context / BlockTokens + 1) * settings.Serving.SequencesMax;
        var most = Math.Min(KvBytesMax, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);
        var blocks = settings.KvBytes is { } bytes ? bytes / blockBytes : Math.Min(useful, most / blockBytes);
        if (blocks < 2)
            throw new InputException(
                $"{path}: {settings.KvBytes:#,##0} bytes hold no two KV blocks of {blockBytes:#,##0}; expected more KV memory.");
        return (int)Math.Min(blocks, int.MaxValue / 4);
    }

    /// <summary>Of the file's length and its first and last pieces: files of one name with other weights differ in one.</summary>
    private static ulong KeyOf(GgufFile file)
    {
        var hash = 14695981039346656037UL ^ (ulong)file.Length;
        using var stream = File.OpenRead(file.Path);
        Span<byte> piece = stackalloc byte[4096];
        foreach (var at in new[] { 0L, file.Length / 2, Math.Max(0, file.Length - piece.Length) })
        {
            stream.Position = at;
            var read = stream.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false);
            foreach (var b in piece[..read]) hash = (hash ^ b) * 1099511628211UL;
        }

        return hash;
    }
}
