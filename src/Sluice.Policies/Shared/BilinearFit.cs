namespace Sluice.Policies;

/// <summary>Least squares for y = c0·n·l + c1·n + c2·l + c3, relative errors weighing alike.</summary>
internal sealed class BilinearFit
{
    private readonly double[,] _normal = new double[4, 5]; // XᵀX and Xᵀy, each row weighted by 1/y²

    public void Add(double n, double l, double y)
    {
        ReadOnlySpan<double> x = [n * l / y, n / y, l / y, 1 / y];
        for (var row = 0; row < 4; row++)
        {
            for (var column = 0; column < 4; column++) _normal[row, column] += x[row] * x[column];
            _normal[row, 4] += x[row];
        }
    }

    /// <summary>By elimination with pivots.</summary>
    public double[] Solve()
    {
        for (var pivot = 0; pivot < 4; pivot++)
        {
            var best = pivot;
            for (var row = pivot + 1; row < 4; row++)
                if (Math.Abs(_normal[row, pivot]) > Math.Abs(_normal[best, pivot])) best = row;
            for (var column = 0; column < 5; column++)
                (_normal[pivot, column], _normal[best, column]) = (_normal[best, column], _normal[pivot, column]);
            for (var row = 0; row < 4; row++)
            {
                if (row == pivot) continue;
                var factor = _normal[row, pivot] / _normal[pivot, pivot];
                for (var column = pivot; column < 5; column++) _normal[row, column] -= factor * _normal[pivot, column];
            }
        }

        return [_normal[0, 4] / _normal[0, 0], _normal[1, 4] / _normal[1, 1], _normal[2, 4] / _normal[2, 2], _normal[3, 4] / _normal[3, 3]];
    }
}
