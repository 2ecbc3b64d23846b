using System.Runtime.InteropServices;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Runs a step for real: lays out what the core composed with token ids and block tables, has the model compute it,
/// and chooses the next tokens.</summary>
/// <remarks>Allocates nothing once its buffers have grown to the largest step.</remarks>
public sealed class TransformerRunner : IModelRunner
{
    private readonly ITransformer _model;
    private readonly PagedKvCache _cache;
    private readonly TimeProvider _time;
    private readonly double _femtosecondsPerStamp;
    private readonly HostBlocks _host;
    private readonly ForwardBatch _forward = new();
    private readonly Dictionary<long, LiveSequence> _sequences = [];
    private readonly List<(LiveSequence Parent, LiveSequence Child)> _forks = new(16);
    private float[] _logits = [];
    private float[] _scratch = [];

    /// <param name="cache">As large as the model's KV store, and listing its swaps.</param>
    public TransformerRunner(ITransformer model, PagedKvCache cache, TimeProvider time)
    {
        Check.That(cache.TotalBlocks == model.TotalBlocks && cache.BlockTokens == model.BlockTokens);
        Check.That(cache.ListsSwaps);
        (_model, _cache, _time) = (model, cache, time);
        _femtosecondsPerStamp = 1e15 / time.TimestampFrequency;
        _host = new(cache.HostBlocks, model.BlockBytes);
    }

    public IStepTimeModel? ClosedForm => null;

    /// <summary>Answers that begin beside another one, since they were last taken: their first token is chosen, and the core
    /// does not know them yet.</summary>
    internal ReadOnlySpan<(LiveSequence Parent, LiveSequence Child)> Forks => CollectionsMarshal.AsSpan(_forks);

    /// <summary>Time spent in the model and in choosing tokens, of all steps [stamps of the time provider].</summary>
    internal long ModelStamps { get; private set; }

    internal int Sequences => _sequences.Count;

    internal void ClearForks() => _forks.Clear();

    internal void Add(LiveSequence sequence) => _sequences.Add(sequence.Request.Id.Value, sequence);

    internal void Remove(LiveSequence sequence)
    {
        _sequences.Remove(sequence.Request.Id.Value);
        sequence.Draft?.Forget(sequence.Request.Id.Value);
    }

    internal LiveSequence? Find(RequestId request) => _sequences.GetValueOrDefault(request.Value);

    internal IEnumerable<LiveSequence> All => _sequences.Values;

    public long Run(Batch batch)
    {
        var begin = _time.GetTimestamp();
        MakeCopies();
        Lay(batch);
        var needed = _forward.LogitRows * _model.Vocabulary;
        if (_logits.Length < needed) _logits = new float[needed];
        var beforeForward = _time.GetTimestamp();
        _model.Forward(_forward, _logits.AsSpan(0, needed));
        ChooseTokens(batch);
        ModelStamps += _time.GetTimestamp() - beforeForward;
        return Math.Max(1, (long)((_time.GetTimestamp() - begin) * _femtosecondsPerStamp));
    }

    /// <summary>Moves the blocks that the cache has given new places. Before every step, and before anything else touches
    /// blocks.</summary>
    internal void MakeCopies()
    {
        if (_cache.PendingCopies.IsEmpty) return;
        _host.Copy(_cache.PendingCopies, _model);
        _cache.ClearPendingCopies();
    }

    /// <summary>Copies out blocks of a sequence that hold what will not change any more.</summary>
    internal void Export(int slot, byte[][] to, int from, int until)
    {
        MakeCopies();
        for (var i = from; i < until; i++)
        {
            to[i] ??= GC.AllocateUninitializedArray<byte>(_model.BlockBytes);
            _model.ExportBlock(_cache.BlockTable(slot)[i], to[i]);
        }
    }

    /// <summary>Fills the blocks of a sequence that came from elsewhere.</summary>
    internal void Import(int slot, SequenceImage image)
    {
        MakeCopies();
        var table = _cache.BlockTable(slot);
        Check.That(table.Length == image.Blocks.Length);
        for (var i = 0; i < table.Length; i++)
            if (_cache.References(table[i]) == 1) _model.ImportBlock(image.Blocks[i], table[i]); // Else a cached prefix.
    }

    /// <summary>Decodes first, then the chunks in the order in which their blocks were reserved: a chunk may find a prefix
    /// that one before it computes in this same step.</summary>
    private void Lay(Batch batch)
    {
        _forward.Clear();
        for (var i = 0; i < batch.Decodes; i++)
        {
            var slot = batch.DecodeAt(i);
            var sequence = SequenceAt(batch, slot);
            var computed = batch.ComputedTokens(slot);
            Check.That(sequence.Count == computed + 1);
            _cache.Settle(slot, computed + 1);
            _forward.Add(sequence.Known[computed..], computed, _cache.BlockTableMemory(slot), logitRows: 1);
        }

        _forward.SharesNewKeys = batch.Chunks.Length > 1 && _cache.CachedBlocks > 0;
        foreach (var (slot, tokens) in batch.Chunks)
        {
            var sequence = SequenceAt(batch, slot);
            var computed = batch.ComputedTokens(slot);
            Check.That(sequence.Count == batch.KnownTokens(slot));
            var table = _cache.BlockTableMemory(slot);
            if (batch[slot].Phase == SequencePhase.Verifying)
            {
                Check.That(computed == sequence.Count - 1 && tokens - 1 <= sequence.DraftCount);
                sequence.Drafts.AsSpan(0, tokens - 1).CopyTo(sequence.Tokens.AsSpan(sequence.Count));
                _forward.Add(sequence.Tokens.AsSpan(computed, tokens), computed, table, logitRows: tokens);
            }
            else
            {
                var isLast = computed + tokens == sequence.Count;
                _forward.Add(sequence.Tokens.AsSpan(computed, tokens), computed, table, logitRows: isLast ? 1 : 0);
            }
        }
    }

    private void ChooseTokens(Batch batch)
    {
        var row = 0;
        for (var i = 0; i < batch.Decodes; i++)
        {
            var slot = batch.DecodeAt(i);
            var sequence = SequenceAt(batch, slot);
            ChooseNext(sequence, Row(row++));
            Report(batch, slot, sequence, tokens: 1);
        }

        for (var i = 0; i < batch.Chunks.Length; i++)
        {
            var (slot, tokens) = batch.Chunks[i];
            var sequence = SequenceAt(batch, slot);
            if (batch[slot].Phase == SequencePhase.Verifying)
            {
                var taken = Verify(sequence, row, tokens);
                row += tokens;
                batch.Outcome.Accept(i, taken - 1);
                Report(batch, slot, sequence, taken);
            }
            else if (batch.ComputedTokens(slot) + tokens == sequence.Count)
            {
                if (sequence.Siblings is not null) BeginSiblings(sequence, Row(row));
                ChooseNext(sequence, Row(row++));
                Report(batch, slot, sequence, tokens: 1);
            }
        }
    }

    /// <summary>Takes the sequence's own choices as long as the drafts foresaw them, and the one after.</summary>
    /// <returns>Tokens taken, at least 1.</returns>
    private int Verify(LiveSequence sequence, int firstRow, int rows)
    {
        for (var i = 0; i < rows; i++)
        {
            var chosen = ChooseNext(sequence, Row(firstRow + i));
            if (sequence.Ending is not null || i == rows - 1 || chosen != sequence.Drafts[i]) return i + 1;
        }

        throw new InvariantException("a verified chunk has at least one row");
    }

    private void BeginSiblings(LiveSequence parent, Span<float> logits)
    {
        if (_scratch.Length < logits.Length) _scratch = new float[logits.Length];
        foreach (var child in parent.Siblings!)
        {
            logits.CopyTo(_scratch); // A chooser may change its logits.
            ChooseNext(child, _scratch.AsSpan(0, logits.Length));
            _forks.Add((parent, child));
        }

        parent.Siblings = null;
    }

    private int ChooseNext(LiveSequence sequence, Span<float> logits)
    {
        if (sequence.Beam is { } beam)
        {
            var provisional = beam.Collect(sequence, logits);
            sequence.Tokens[sequence.Count++] = provisional;
            return provisional;
        }

        var choice = sequence.Chooser.Choose(logits, sequence.Known, sequence.PromptTokens);
        Check.That((uint)choice.Token < (uint)_model.Vocabulary);
        sequence.Tokens[sequence.Count++] = choice.Token;
        if (choice.EndsAnswer) sequence.Ending = EndReason.Stop;
        else if (sequence.OutputTokens == sequence.OutputLimit)
        {
            sequence.Ending = EndReason.Length;
            if (sequence.Chooser.Finish() is { Length: > 0 } rest) choice = choice with { Text = choice.Text + rest };
        }

        sequence.Generation.Sink.OnToken(sequence.Sample, in choice);
        return choice.Token;
    }

    private static void Report(Batch batch, int slot, LiveSequence sequence, int tokens)
    {
        if (sequence.Ending is EndReason.Stop) batch.Outcome.End(slot, tokens);
        if (sequence.Ending is not null || sequence.Draft is null) return;

        sequence.DraftCount = sequence.Draft.Guess(sequence.Request.Id.Value, sequence.Known, sequence.Drafts);
        if (sequence.DraftCount > 0) batch.Outcome.Draft(slot, sequence.DraftCount);
    }

    private LiveSequence SequenceAt(Batch batch, int slot)
    {
        var id = batch[slot].Request.Id.Value;
        return _sequences.TryGetValue(id, out var sequence)
            ? sequence
            : throw new InvariantException($"request {id} is in the batch and has no tokens");
    }

    private Span<float> Row(int row) => _logits.AsSpan(row * _model.Vocabulary, _model.Vocabulary);
}
