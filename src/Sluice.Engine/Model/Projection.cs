namespace Sluice.Engine;

/// <summary>Matrices that take the same input, which is laid out once per form they ask for.</summary>
internal sealed class Projection
{
    /// <summary>Forms that one input may be laid out in: as many as a model mixes weight types of differing forms.</summary>
    public const int FormsMax = 3;

    private readonly ActivationForm[] _forms;
    private readonly int[] _formOf;

    public Projection(params PackedMatrix[] matrices)
    {
        Matrices = matrices;
        _forms = [.. matrices.Select(m => m.Format.Form).Distinct()];
        _formOf = [.. matrices.Select(m => Array.IndexOf(_forms, m.Format.Form))];
        foreach (var matrix in matrices) Panels += matrix.Panels;
    }

    public PackedMatrix[] Matrices { get; }
    public int Columns => Matrices[0].Columns;

    /// <summary>Of all matrices together.</summary>
    public int Panels { get; }

    public ReadOnlySpan<ActivationForm> Forms => _forms;

    /// <summary>Which of the forms a matrix takes.</summary>
    public int FormOf(int matrix) => _formOf[matrix];
}

/// <summary>A layer's weights as the projections that a step computes.</summary>
internal sealed class LayerPlan(LayerWeights weights)
{
    public LayerWeights Weights { get; } = weights;
    public Projection QueryKeyValue { get; } = new(weights.Query, weights.Key, weights.Value);
    public Projection Output { get; } = new(weights.Output);
    public Projection? Router { get; } = weights.Router is null ? null : new(weights.Router);

    /// <summary>Per expert, or one.</summary>
    public Projection[] GateUp { get; } = [.. weights.Gate.Zip(weights.Up, (gate, up) => new Projection(gate, up))];
    public Projection[] Down { get; } = [.. weights.Down.Select(down => new Projection(down))];
}
