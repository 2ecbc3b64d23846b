namespace Sluice.Engine;

/// <summary>Attention: queries, keys and values of all rows; keys and values into the store; then every row over its own
/// sequence.</summary>
internal sealed unsafe partial class Step
{
    /// <summary>Rows of a sequence whose attention is one piece of work.</summary>
    private const int AttentionRows = 8;

    private void Attend(LayerPlan layer, int layerIndex, int member)
    {
        var rows = _rows;
        QueryKeyValue(layer, rows, member);
        _team.Meet();

        // Decodes read only keys that were there before, and their own; so do prompts' last tokens that share nothing new.
        var decodesOnly = rows == _chunkCount && !_batch.SharesNewKeys;
        if (!decodesOnly)
        {
            var index = 0;
            foreach (var chunk in Active)
                for (var i = 0; i < chunk.Rows; i++)
                    for (var head = 0; head < _config.KvHeads; head++)
                        if (index++ % _team.Size == member) TurnAndStore(layer.Weights, chunk, i, layerIndex, head, member);
            _team.Meet();
        }

        var item = 0;
        foreach (var chunk in Active)
        {
            for (var first = 0; first < chunk.Rows; first += AttentionRows)
            {
                for (var head = 0; head < _config.KvHeads; head++)
                {
                    if (item++ % _team.Size != member) continue;
                    if (decodesOnly) TurnAndStore(layer.Weights, chunk, 0, layerIndex, head, member);
                    AttendRows(chunk, first, Math.Min(AttentionRows, chunk.Rows - first), layerIndex, head, member);
                }
            }
        }

        _team.Meet();
        var packed = Input(layer.Output, new(_buffers.Attention, _buffers.QueryStride), null, rows, default, member);
        var (start, end) = Share(layer.Output.Panels, member);
        var product = _scratch[member].ProductA;
        for (var p = start; p < end; p++)
        {
            var panel = View(layer.Output, 0, p, rows, _scratch[member].ExpandedA);
            for (var t = 0; t < PackedRows.Tiles(rows); t++)
                AddTo(Hidden, t * PackedRows.TileRowsMax, p, Product(panel, packed, 0, rows, t, product), product);
        }

        _team.Meet();
    }

    private void QueryKeyValue(LayerPlan layer, int rows, int member)
    {
        var projection = layer.QueryKeyValue;
        var packed = Input(projection, Hidden, layer.Weights.AttentionNorm.At, rows, default, member);
        var (first, end) = Share(projection.Panels, member);
        var product = _scratch[member].ProductA;
        for (var i = first; i < end; i++)
        {
            var (matrix, panel) = (0, i);
            while (panel >= projection.Matrices[matrix].Panels) panel -= projection.Matrices[matrix++].Panels;
            var (to, bias) = matrix switch
            {
                0 => (new RowBuffer(_buffers.Query, _buffers.QueryStride), layer.Weights.QueryBias),
                1 => (new RowBuffer(_buffers.Key, _buffers.KvStride), layer.Weights.KeyBias),
                _ => (new RowBuffer(_buffers.Value, _buffers.KvStride), layer.Weights.ValueBias),
            };
            var view = View(projection, matrix, panel, rows, _scratch[member].ExpandedA);
            for (var t = 0; t < PackedRows.Tiles(rows); t++)
            {
                var held = Product(view, packed, 0, rows, t, product);
                for (var r = 0; bias is not null && r < held; r++)
                    Lanes.Add(bias.At + panel * Panel.Rows, product + r * Panel.Rows, Panel.Rows);
                CopyTo(to, t * PackedRows.TileRowsMax, panel, held, product);
            }
        }
    }

    /// <summary>Norms and turns one row's key and its queries, of one KV head, and stores key and value.</summary>
    private void TurnAndStore(LayerWeights weights, in ForwardChunk chunk, int i, int layer, int kvHead, int member)
    {
        var row = chunk.FirstRow + i;
        var group = _config.Heads / _config.KvHeads;
        var cos = _buffers.Cos + (long)row * _rope.Pairs;
        var sin = _buffers.Sin + (long)row * _rope.Pairs;
        var query = _buffers.Query + (long)row * _buffers.QueryStride + kvHead * group * _config.HeadDim;
        for (var h = 0; h < group; h++) Turn(query + h * _config.HeadDim, weights.QueryNorm, cos, sin, member);
        var key = _buffers.Key + (long)row * _buffers.KvStride + kvHead * _config.HeadDim;
        Turn(key, weights.KeyNorm, cos, sin, member);
        var value = _buffers.Value + (long)row * _buffers.KvStride + kvHead * _config.HeadDim;
        _store.Write(chunk.Blocks.Span, chunk.FirstPosition + i, layer, kvHead, key, value);
    }

    private void Turn(float* head, WeightVector? norm, float* cos, float* sin, int member)
    {
        if (norm is not null)
        {
            // Through a padded copy: the next head begins where this one ends.
            var copy = _scratch[member].Head;
            var bytes = sizeof(float) * (long)_config.HeadDim;
            Buffer.MemoryCopy(head, copy, bytes, bytes);
            Lanes.RmsNorm(copy, norm.At, _config.HeadDim, _config.RmsEpsilon, copy);
            Buffer.MemoryCopy(copy, head, bytes, bytes);
        }

        Lanes.Rotate(head, cos, sin, _rope.Pairs, _config.Rope);
    }

    /// <summary>A few rows of a sequence, all query heads of one KV head.</summary>
    private void AttendRows(in ForwardChunk chunk, int first, int rows, int layer, int kvHead, int member)
    {
        var scratch = _scratch[member];
        var blocks = chunk.Blocks.Span;
        var group = _config.Heads / _config.KvHeads;
        var known = chunk.FirstPosition + first + rows;
        for (var at = 0; at < known; at += KvStore.TileTokens)
        {
            var tile = _store.Tile(blocks, at, layer, kvHead);
            scratch.KeyTiles[at / KvStore.TileTokens] = (nint)tile;
            scratch.ValueTiles[at / KvStore.TileTokens] = (nint)(tile + _store.KeyTileBytes);
        }

        // Queries in order of row, then head: up to eight side by side, over all that the last of them may see.
        var queries = rows * group;
        for (var q = 0; q < queries; q += _attention.QueriesMax)
        {
            var count = Math.Min(_attention.QueriesMax, queries - q);
            var width = count <= 4 ? 4 : _attention.QueriesMax;
            var (row, head) = (chunk.FirstRow + first + q / group, kvHead * group + q % group);
            var lastRow = first + (q + count - 1) / group;
            PackQueries(scratch, row, head, kvHead * group, group, count, width);
            AttendTile(scratch, chunk.FirstPosition + first + q / group + 1, q % group, group, count, width,
                chunk.FirstPosition + lastRow + 1);
            Unpack(scratch, row, head, kvHead * group, group, count);
        }
    }

    private void PackQueries(MemberScratch scratch, int row, int head, int firstHead, int group, int count, int width)
    {
        var scale = _attention.InputScale / MathF.Sqrt(_config.HeadDim);
        for (var j = 0; j < width; j++)
        {
            var to = scratch.Queries + j;
            if (j >= count)
            {
                for (var d = 0; d < _config.HeadDim; d++) to[d * width] = 0;
                continue;
            }

            var from = _buffers.Query + (long)row * _buffers.QueryStride + head * _config.HeadDim;
            for (var d = 0; d < _config.HeadDim; d++) to[d * width] = from[d] * scale;
            if (++head < firstHead + group) continue;
            (row, head) = (row + 1, firstHead);
        }
    }

    /// <param name="sees">Tokens that the first query's row sees, itself included.</param>
    /// <param name="place">The first query's place in its group.</param>
    /// <param name="tokens">That the last query's row sees.</param>
    private void AttendTile(MemberScratch scratch, int sees, int place, int group, int count, int width, int tokens)
    {
        var tiles = (tokens + KvStore.TileTokens - 1) / KvStore.TileTokens;
        for (var t = 0; t < tiles; t += 2)
            _attention.Scores(width, scratch.Queries, _config.HeadDim, (byte*)scratch.KeyTiles[t],
                (byte*)scratch.KeyTiles[Math.Min(t + 1, tiles - 1)], scratch.Scores + t * KvStore.TileTokens, scratch.ScoreStride);

        var padded = tiles * KvStore.TileTokens;
        var sums = stackalloc float[8];
        for (var j = 0; j < count; j++)
        {
            var scores = scratch.Scores + (long)j * scratch.ScoreStride;
            sums[j] = Lanes.Exponentials(scores, sees + (place + j) / group, padded);
            Lanes.Scale(scores, _attention.InputScale, padded);
        }

        var outputs = scratch.HeadOutputs;
        var stride = _store.ValueWidth;
        _attention.Values(width, scratch.Scores, scratch.ScoreStride, tokens, scratch.ValueTiles, stride, outputs);
        for (var j = 0; j < count; j++) Lanes.Scale(outputs + j * stride, 1 / sums[j], stride);
    }

    private void Unpack(MemberScratch scratch, int row, int head, int firstHead, int group, int count)
    {
        for (var j = 0; j < count; j++)
        {
            var to = _buffers.Attention + (long)row * _buffers.QueryStride + head * _config.HeadDim;
            var from = new ReadOnlySpan<float>(scratch.HeadOutputs + j * _store.ValueWidth, _config.HeadDim);
            from.CopyTo(new(to, _config.HeadDim));
            if (++head < firstHead + group) continue;
            (row, head) = (row + 1, firstHead);
        }
    }
}
