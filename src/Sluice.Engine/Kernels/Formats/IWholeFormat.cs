namespace Sluice.Engine;

/// <summary>Weights that are floats of some kind, each by itself: a panel is a row of 64 weights per column.</summary>
internal unsafe interface IWholeFormat
{
    /// <summary>Bytes of a column.</summary>
    static abstract int ColumnBytes { get; }

    /// <summary>What activations are multiplied by, a power of two: part of the factor that the weights' bits lack.</summary>
    static abstract float ActivationFactor { get; }

    /// <summary>What sums are multiplied by at the end, a power of two: the rest of it.</summary>
    static abstract float OutputFactor { get; }

    /// <summary>The weights of a column for the rows from <paramref name="row"/> on.</summary>
    static abstract TF Load<TS, TF, TI>(byte* column, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged;
}
