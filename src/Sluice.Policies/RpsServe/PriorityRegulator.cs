namespace Sluice.Policies;

/// <summary>Scores by class and age, and how congested each class is.</summary>
/// <remarks>Source: RPS-Serve (arXiv 2603.26498) and its artifact; the class weights that its published commit leaves undefined are 1.
/// Averages begin with the first step's values, and a class that nobody is in counts as size 0 and age 0 [I].</remarks>
public sealed class PriorityRegulator(RpsOptions options)
{
    private const int Classes = 3;
    private const double Memory = 0.996, AgeWeight = 0.7, SizeWeight = 0.3, Tiny = 1e-4;

    private readonly (double Age, double Size)[] _now = new (double, double)[Classes];
    private readonly (double Age, double Size)[] _average = new (double, double)[Classes];
    private readonly int[] _boost = [1, 1, 1];
    private bool _hasBegun;

    /// <summary>How many times as fast the class ages in this step, 1 to 3.</summary>
    public int BoostOf(SizeClass of) => _boost[(int)of];

    /// <summary>Counts one live request of this step.</summary>
    public void Count(SizeClass of, double age)
    {
        ref var now = ref _now[(int)of];
        now = (now.Age + age, now.Size + 1);
    }

    /// <summary>After everybody was counted.</summary>
    public void EndCount()
    {
        for (var c = 0; c < Classes; c++)
        {
            var (age, size) = _now[c];
            if (size > 0) age /= size;
            ref var average = ref _average[c];
            average = _hasBegun
                ? (Memory * average.Age + (1 - Memory) * age, Memory * average.Size + (1 - Memory) * size)
                : (age, size);
            _boost[c] = Boost(Excess(age, average.Age, size, average.Size));
            _now[c] = default;
        }

        _hasBegun = true;
    }

    /// <summary>Larger goes first.</summary>
    /// <param name="age">Since arrival [s].</param>
    public double Score(SizeClass of, double age) => options.Order switch
    {
        RpsOrder.Class => -(double)of,
        _ when of is not SizeClass.Sand && options.AgeCap > 0 && age >= options.AgeCap => double.PositiveInfinity,
        RpsOrder.WaitOnly => Score(ConstantsOf(of) with { Offset = 0 }, BoostOf(of), age),
        _ => Score(ConstantsOf(of), BoostOf(of), age),
    };

    public static double Score(Ageing of, int boost, double age) =>
        of.Offset + 1 - Math.Exp(-of.Rate * boost * Math.Pow(Math.Max(0, age), of.Exponent));

    public static double Excess(double age, double averageAge, double size, double averageSize) =>
        Math.Max(0, AgeWeight * (age / (averageAge + Tiny) - 1) + SizeWeight * (size / (averageSize + Tiny) - 1));

    public static int Boost(double excess) => (int)Math.Round(1 + 2 * (1 - Math.Exp(-2 * excess)));

    private Ageing ConstantsOf(SizeClass of) =>
        of switch { SizeClass.Sand => options.Sand, SizeClass.Pebbles => options.Pebbles, _ => options.Rocks };
}
