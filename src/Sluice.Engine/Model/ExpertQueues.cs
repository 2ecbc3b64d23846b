namespace Sluice.Engine;

/// <summary>A queue of tokens per expert, within one layer and step: which rows go to which expert, with what weight, and
/// where in the buffers.</summary>
/// <remarks>A row's outputs are added up in the order of its own choice of experts, so who else is in the queues changes
/// nothing.</remarks>
internal sealed unsafe class ExpertQueues(int experts, int used)
{
    private readonly int[] _firsts = new int[experts];
    private readonly int[] _counts = new int[experts];
    private int[] _choices = [];
    private float[] _weights = [];
    private int[] _positions = [];
    private int[] _rowAt = [];

    public int Experts => experts;

    /// <summary>Experts per row.</summary>
    public int Used => used;

    /// <summary>An expert's first position; its tokens follow one another.</summary>
    public int First(int expert) => _firsts[expert];

    public int Count(int expert) => _counts[expert];

    /// <summary>The rows at an expert's positions.</summary>
    public ReadOnlySpan<int> Rows(int expert) => _rowAt.AsSpan(_firsts[expert], _counts[expert]);

    /// <summary>A row's choice, best first.</summary>
    public int Expert(int row, int rank) => _choices[row * used + rank];

    public float Weight(int row, int rank) => _weights[row * used + rank];
    public int Position(int row, int rank) => _positions[row * used + rank];

    public void Resize(int rows, int positions)
    {
        (_choices, _weights, _positions) = (new int[rows * used], new float[rows * used], new int[rows * used]);
        _rowAt = new int[positions];
    }

    /// <summary>Chooses for every row from the router's scores, and lines the rows up.</summary>
    public void Fill(float* scores, int stride, int rows)
    {
        Array.Clear(_counts);
        for (var r = 0; r < rows; r++)
        {
            Choose(scores + (long)r * stride, r * used);
            for (var k = 0; k < used; k++) _counts[_choices[r * used + k]]++;
        }

        var at = 0;
        for (var e = 0; e < experts; e++)
        {
            _firsts[e] = at;
            at += PackedRows.Tiles(_counts[e]) * PackedRows.TileRowsMax;
            _counts[e] = 0;
        }

        for (var i = 0; i < rows * used; i++)
        {
            var expert = _choices[i];
            _positions[i] = _firsts[expert] + _counts[expert]++;
            _rowAt[_positions[i]] = i / used;
        }
    }

    /// <summary>The largest scores, the lower expert first among equals; weights are the softmax over those chosen, which
    /// is the softmax over all made to sum to one.</summary>
    private void Choose(float* scores, int at)
    {
        for (var k = 0; k < used; k++)
        {
            var best = -1;
            for (var e = 0; e < experts; e++)
                if ((best < 0 || scores[e] > scores[best]) && !_choices.AsSpan(at, k).Contains(e)) best = e;
            _choices[at + k] = best;
        }

        var sum = 0.0;
        for (var k = 0; k < used; k++) sum += Math.Exp((double)scores[_choices[at + k]] - scores[_choices[at]]);
        for (var k = 0; k < used; k++)
            _weights[at + k] = (float)(Math.Exp((double)scores[_choices[at + k]] - scores[_choices[at]]) / sum);
    }
}
