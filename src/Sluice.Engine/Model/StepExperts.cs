namespace Sluice.Engine;

/// <summary>The feed-forward part as a mixture of experts: the router lines tokens up at experts, every expert works its
/// queue off at once, and each token adds up what its own experts made of it.</summary>
internal sealed unsafe partial class Step
{
    private void RunExperts(LayerPlan layer, int member)
    {
        if (member == 0) _queues!.Fill(_buffers.Router, _buffers.RouterStride, _rows);
        _team.Meet();
        var queues = _queues!;
        var norm = layer.Weights.FeedForwardNorm.At;
        PackQueues(layer.GateUp, Hidden, norm, member);

        // The panels of all experts, one after another, in equal shares.
        var panels = layer.GateUp[0].Matrices[0].Panels;
        var (first, end) = Share(panels * queues.Experts, member);
        for (var i = first; i < end; i++)
        {
            var expert = i / panels;
            GateUp(layer.GateUp[expert], _buffers.Packed, i % panels, queues.First(expert), queues.Count(expert), _scratch[member]);
        }

        _team.Meet();
        PackQueues(layer.Down, Inner, null, member);
        panels = layer.Down[0].Panels;
        (first, end) = Share(panels * queues.Experts, member);
        for (var i = first; i < end; i++) Down(layer.Down[i / panels], i / panels, i % panels, member);
        _team.Meet();
        AddExperts(member);
        _team.Meet();
    }

    private void Route(LayerPlan layer, int member)
    {
        var rows = _rows;
        var projection = layer.Router!;
        var packed = Input(projection, Hidden, layer.Weights.FeedForwardNorm.At, rows, default, member);
        var to = Router;
        var product = _scratch[member].ProductA;
        var tiles = PackedRows.Tiles(rows);
        for (var i = member; i < tiles * projection.Panels; i += _team.Size)
        {
            var (tile, panel) = (i / projection.Panels, i % projection.Panels);
            var view = View(projection, 0, panel, 0, null);
            CopyTo(to, tile * PackedRows.TileRowsMax, panel, Product(view, packed, 0, rows, tile, product), product);
        }

        _team.Meet();
    }

    private void PackQueues(Projection[] projections, RowBuffer from, float* norm, int member)
    {
        var queues = _queues!;
        var item = 0;
        for (var e = 0; e < queues.Experts; e++)
        {
            var (first, count) = (queues.First(e), queues.Count(e));
            for (var t = 0; t < PackedRows.Tiles(count); t++)
            {
                if (item++ % _team.Size != member) continue;
                // Hidden states come from where their rows are; inner ones lie at the queue's positions.
                var index = norm is null ? default : queues.Rows(e);
                var source = norm is null ? new RowBuffer(from.Row(first), from.Stride) : from;
                PackTile(projections[e], _buffers.Packed, source, norm, count, index, t, first, _scratch[member]);
            }
        }

        _team.Meet();
    }

    private void Down(Projection projection, int expert, int panel, int member)
    {
        var queues = _queues!;
        var product = _scratch[member].ProductA;
        var to = new RowBuffer(_buffers.ExpertOutput, _buffers.DimStride);
        var (first, count) = (queues.First(expert), queues.Count(expert));
        var view = View(projection, 0, panel, count, _scratch[member].ExpandedA);
        for (var t = 0; t < PackedRows.Tiles(count); t++)
        {
            var held = Product(view, _buffers.Packed, first, count, t, product);
            CopyTo(to, first + t * PackedRows.TileRowsMax, panel, held, product);
        }
    }

    /// <summary>Adds to every row what its experts gave, in the order of its choice.</summary>
    private void AddExperts(int member)
    {
        var queues = _queues!;
        for (var r = member; r < _rows; r += _team.Size)
        {
            var hidden = Hidden.Row(r);
            for (var k = 0; k < queues.Used; k++)
            {
                var weight = queues.Weight(r, k);
                var from = _buffers.ExpertOutput + (long)queues.Position(r, k) * _buffers.DimStride;
                for (var d = 0; d < _config.Dim; d++) hidden[d] = MathF.FusedMultiplyAdd(weight, from[d], hidden[d]);
            }
        }
    }
}
