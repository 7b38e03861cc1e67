namespace Minimax.Sample.Measures;

/// <summary>Points of the trapezoidal rule on a box that holds a law with noise; for smooth functions the rule is exact to rounding at half a deviation.</summary>
internal sealed class Grid
{
    // Beyond so many deviations of the noise nothing is left.
    private const double Margin = 6;

    public Grid(Target target, double t, double step)
    {
        var low = target.Low - (Margin * Math.Sqrt(t));
        var perSide = (int)Math.Ceiling((target.High + (Margin * Math.Sqrt(t)) - low) / step) + 1;
        var d = target.Dimensions;
        Count = (int)Math.Pow(perSide, d);
        Cell = Math.Pow(step, d);
        Points = new double[Count * d];
        for (var i = 0; i < Count; i++)
        {
            for (int j = 0, rest = i; j < d; j++, rest /= perSide)
            {
                Points[(i * d) + j] = low + (rest % perSide * step);
            }
        }
    }

    public int Count { get; }

    /// <summary>[Count, d].</summary>
    public double[] Points { get; }

    /// <summary>The volume of a cell.</summary>
    public double Cell { get; }
}
