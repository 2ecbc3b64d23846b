using Sluice.Core;

namespace Sluice.Engine;

/// <summary>A small model file that guesses for a large one (<see cref="ModelDraft"/>).</summary>
public sealed class DraftModel : IDisposable
{
    private const int BlockTokens = 16;

    private readonly GgufFile _file;
    private readonly Transformer _transformer;

    private DraftModel(GgufFile file, Transformer transformer)
    {
        (_file, _transformer) = (file, transformer);
        Draft = new ModelDraft(transformer);
    }

    public IDraft Draft { get; }

    /// <param name="of">The model that it guesses for.</param>
    /// <param name="tokensMax">Longest prompt and answer; there is KV for one sequence of it.</param>
    /// <exception cref="InputException">The file cannot be run, or its vocabulary is another one.</exception>
    public static DraftModel Open(string path, TextModel of, int tokensMax, int threads)
    {
        var file = GgufFile.Open(path);
        try
        {
            var config = ModelConfig.Read(file);
            CheckVocabulary(path, Tokenizer.Read(file).Vocabulary, of.Tokenizer.Vocabulary);
            var context = Math.Min(config.ContextMax, tokensMax);
            return new(file, new(file, config, new()
            {
                Threads = threads,
                BlockTokens = BlockTokens,
                TotalBlocks = context / BlockTokens + 2,
                ContextMax = context,
            }));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _transformer.Dispose();
        _file.Dispose();
    }

    private static void CheckVocabulary(string path, TokenVocabulary draft, TokenVocabulary model)
    {
        if (draft.Count != model.Count)
            throw new InputException(
                $"{path}: has {draft.Count} tokens, the model {model.Count}; expected a draft model of the same vocabulary.");
        for (var i = 0; i < draft.Count; i++)
            if (!draft.Bytes(i).SequenceEqual(model.Bytes(i)))
                throw new InputException(
                    $"{path}: token {i} is '{draft.Text(i)}', the model's '{model.Text(i)}'; expected a draft model of the same "
                    + "vocabulary.");
    }
}
