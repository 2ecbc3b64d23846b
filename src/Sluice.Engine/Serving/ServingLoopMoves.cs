using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Sequences that leave with their KV while they run, and those that come with it.</summary>
/// <remarks>In the manner of Llumnix (OSDI 2024): full blocks are copied a few at a time between steps while the sequence
/// decodes on; it stops only for the last piece.</remarks>
public sealed partial class ServingLoop
{
    private readonly List<Export> _exports = [];

    /// <summary>Moves a sequence out while it runs. It must be the only answer of its generation.</summary>
    /// <param name="onDone">Given the image once the sequence is gone from here, or null if it ended before. Its sink is not
    /// told: the answer goes on elsewhere.</param>
    public void MoveOut(Generation generation, Action<SequenceImage?> onDone)
    {
        Check.That(generation.Sequences.Length == 1);
        _exports.Add(new(generation.Sequences[0], onDone));
    }

    /// <summary>Takes in a sequence that another engine of this process moved out; its sink goes on hearing of it.</summary>
    public Refusal TryMoveIn(SequenceImage image, out Generation? generation)
    {
        Check.That(image.Sequence is not null);
        var from = image.Sequence;
        var draft = from.Draft is { KeepsState: false } ? from.Draft : null; // Else it is used by that engine's thread.
        return TryMoveIn(image, from.Chooser, from.Generation.Sink, draft, out generation);
    }

    /// <summary>Takes in a sequence from its image.</summary>
    /// <param name="chooser">Chooses as the one where it came from would.</param>
    public Refusal TryMoveIn(
        SequenceImage image, ITokenChooser chooser, IGenerationSink sink, IDraft? draft, out Generation? generation)
    {
        generation = null;
        if (Outstanding + 1 > _options.OutstandingMax) return Refusal.Busy;
        var isOurs = image.ModelKey == _options.ModelKey && image.BlockTokens == _model.BlockTokens
            && image.BlockBytes == _model.BlockBytes && !HasForeign(image.Tokens);
        if (!isOurs) return Refusal.Malformed;
        if (image.PromptTokens + image.OutputLimit > TokensMax) return Refusal.TooLong;

        var prompt = image.Tokens.AsSpan(0, image.PromptTokens);
        generation = new(sink, 1);
        var drafts = draft is null ? 0 : image.Sequence?.Drafts.Length ?? 4;
        var tokens = new int[image.PromptTokens + image.OutputLimit + drafts];
        image.Tokens.CopyTo(tokens, 0);
        var old = image.Sequence;
        var sequence = new LiveSequence
        {
            Request = new()
            {
                Id = new(_lastId++), Arrival = Now, PromptTokens = image.PromptTokens, MaxOutputTokens = image.OutputLimit,
                Priority = image.Priority, Slo = old?.Request.Slo ?? Slo.BestEffort,
                PromptBlocks = _options.PrefixCache ? _hashes.Of(prompt, _model.BlockTokens) : default,
            },
            Predicted = old?.Predicted ?? new(image.OutputLimit, 0),
            OutputLimit = image.OutputLimit,
            Chooser = chooser,
            Generation = generation,
            Sample = old?.Sample ?? 0,
            Tokens = tokens,
            Count = image.Tokens.Length,
            Draft = draft,
            Drafts = new int[drafts],
            Image = image,
            HasMoved = true,
            CachedTokens = old?.CachedTokens ?? 0,
            Preemptions = old?.Preemptions ?? 0,
            SubmittedAt = Now,
            FirstTokenAt = Now,
        };
        generation.Sequences[0] = sequence;
        _runner.Add(sequence);
        Outstanding++;
        var isTaken = _core.TryAttach(
            Now, sequence.Request, sequence.Predicted, sequence.OutputLimit, sequence.OutputTokens, image.Computed);
        Check.That(isTaken);
        return Refusal.None;
    }

    private void AdvanceExports()
    {
        for (var i = _exports.Count - 1; i >= 0; i--)
        {
            var export = _exports[i];
            if (_runner.Find(export.Sequence.Request.Id) != export.Sequence || export.Sequence.IsEvicted)
            {
                _exports.RemoveAt(i);
                export.OnDone(null);
                continue;
            }

            var slot = _core.SlotOf(export.Sequence.Request.Id);
            var computed = slot < 0 ? -1 : _core.TrySettle(slot);
            if (computed > 0) Advance(export, slot, computed);
        }
    }

    private void Advance(Export export, int slot, int computed)
    {
        // What is copied stays true even if the sequence is preempted meanwhile: it computes the same again.
        var (full, all) = (computed / _model.BlockTokens, (computed - 1) / _model.BlockTokens + 1);
        if (export.Blocks.Length < all) Array.Resize(ref export.Blocks, all * 2);
        if (full - export.Copied > _options.ExportBlocksPerStep)
        {
            _runner.Export(slot, export.Blocks, export.Copied, export.Copied + _options.ExportBlocksPerStep);
            export.Copied += _options.ExportBlocksPerStep;
            return;
        }

        // The rest, and no step in between: it leaves before the next one is composed.
        _runner.Export(slot, export.Blocks, export.Copied, all);
        export.Computed = computed;
        _core.TryMoveOut(Now, export.Sequence.Request.Id);
    }

    private void MovedOut(LiveSequence sequence, Instant at)
    {
        var index = _exports.FindIndex(e => e.Sequence == sequence);
        var export = _exports[index];
        _exports.RemoveAt(index);
        Check.That(export.Computed == sequence.Count - 1);
        var blocks = (export.Computed - 1) / _model.BlockTokens + 1;
        var image = new SequenceImage
        {
            ModelKey = _options.ModelKey,
            BlockTokens = _model.BlockTokens,
            BlockBytes = _model.BlockBytes,
            PromptTokens = sequence.PromptTokens,
            OutputLimit = sequence.OutputLimit,
            Priority = sequence.Request.Priority,
            Tokens = sequence.Known.ToArray(),
            Computed = export.Computed,
            Blocks = export.Blocks[..blocks],
            Sequence = sequence,
        };
        _runner.Remove(sequence);
        Outstanding--;
        export.OnDone(image);
    }

    private sealed class Export(LiveSequence sequence, Action<SequenceImage?> onDone)
    {
        public byte[][] Blocks = new byte[8][];

        public LiveSequence Sequence { get; } = sequence;
        public Action<SequenceImage?> OnDone { get; } = onDone;
        public int Copied { get; set; }
        public int Computed { get; set; }
    }
}
