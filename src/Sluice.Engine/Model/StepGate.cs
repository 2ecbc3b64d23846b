namespace Sluice.Engine;

/// <summary>Who takes part in a step: all that begin it, less those that a gate holds, and those that go on from where they
/// were held.</summary>
internal sealed unsafe partial class Step
{
    private ForwardChunk[] _chunks = new ForwardChunk[64];
    private int[] _chunkIndex = new int[64];
    private int _chunkCount;
    private int _rows;
    private int _waiting;

    /// <summary>The sequences that take part now; their rows follow one another.</summary>
    private ReadOnlySpan<ForwardChunk> Active => _chunks.AsSpan(0, _chunkCount);

    private void Begin()
    {
        var count = _batch.Chunks.Length;
        if (count > _chunks.Length) (_chunks, _chunkIndex) = (new ForwardChunk[2 * count], new int[2 * count]);
        (_chunkCount, _rows, _waiting) = (0, 0, 0);
        var rows = 0;
        for (var i = 0; i < count; i++)
        {
            rows += _batch.Chunks[i].Rows;
            if (_batch.Held[i] is null) Join(i);
            else _waiting++;
        }

        if (rows > _buffers.Rows) Resize(Math.Max(rows, 2 * _buffers.Rows));
        ListOutputs();
    }

    /// <summary>Between the router and the experts of a layer: those held leave, those held here before join.</summary>
    private void PassGate(int layer)
    {
        var active = _chunkCount;
        (_chunkCount, _rows) = (0, 0);
        for (var i = 0; i < active; i++)
        {
            var (chunk, index) = (_chunks[i], _chunkIndex[i]);
            if (_gate is not null && _gate.Holds(layer, index))
            {
                _gate.Take(index, new(layer, chunk, Copy(Hidden, chunk, _config.Dim), Copy(Router, chunk, _config.Experts)));
                continue;
            }

            // Rows only move towards the front, in order.
            for (var r = 0; r < chunk.Rows; r++) Move(chunk.FirstRow + r, _rows + r);
            Join(index);
        }

        for (var i = 0; i < _batch.Held.Length; i++)
        {
            if (_batch.Held[i] is not { } held || held.Layer != layer) continue;
            for (var r = 0; r < held.Rows; r++)
            {
                held.Hidden.AsSpan(r * _config.Dim, _config.Dim).CopyTo(new(Hidden.Row(_rows + r), _config.Dim));
                held.Scores.AsSpan(r * _config.Experts, _config.Experts).CopyTo(new(Router.Row(_rows + r), _config.Experts));
                SetAngles(_rows + r, held.FirstPosition + r);
            }

            Join(i);
            _waiting--;
        }

        ListOutputs();
    }

    /// <summary>Adds a chunk of the batch behind those that take part.</summary>
    private void Join(int index)
    {
        var chunk = _batch.Chunks[index];
        _chunks[_chunkCount] = chunk with { FirstRow = _rows };
        _chunkIndex[_chunkCount++] = index;
        _rows += chunk.Rows;
    }

    private void ListOutputs()
    {
        _outputCount = 0;
        for (var i = 0; i < _chunkCount; i++)
        {
            var place = 0;
            for (var before = 0; before < _chunkIndex[i]; before++) place += _batch.Chunks[before].LogitRows;
            var end = _chunks[i].FirstRow + _chunks[i].Rows;
            for (var row = end - _chunks[i].LogitRows; row < end; row++)
                (_outputRows[_outputCount], _outputPlaces[_outputCount++]) = (row, place++);
        }
    }

    private void Move(int from, int to)
    {
        if (from == to) return;
        Copy(Hidden.Row(from), Hidden.Row(to), _config.Dim);
        if (_config.Experts > 0) Copy(Router.Row(from), Router.Row(to), _config.Experts);
        Copy(_buffers.Cos + (long)from * _rope.Pairs, _buffers.Cos + (long)to * _rope.Pairs, _rope.Pairs);
        Copy(_buffers.Sin + (long)from * _rope.Pairs, _buffers.Sin + (long)to * _rope.Pairs, _rope.Pairs);
    }

    private static void Copy(float* from, float* to, int count) =>
        Buffer.MemoryCopy(from, to, sizeof(float) * (long)count, sizeof(float) * (long)count);

    private static float[] Copy(RowBuffer from, in ForwardChunk chunk, int width)
    {
        var to = new float[chunk.Rows * width];
        for (var r = 0; r < chunk.Rows && width > 0; r++)
            new ReadOnlySpan<float>(from.Row(chunk.FirstRow + r), width).CopyTo(to.AsSpan(r * width));
        return to;
    }
}
