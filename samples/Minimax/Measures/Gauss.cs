namespace Minimax.Sample.Measures;

/// <summary>The normal law.</summary>
internal static class Gauss
{
    public static double Density(double x, double variance) => Math.Exp(-x * x / (2 * variance)) / Math.Sqrt(2 * Math.PI * variance);

    /// <summary>One number, by the polar method.</summary>
    public static double Draw(Random random)
    {
        while (true)
        {
            var (u, v) = ((2 * random.NextDouble()) - 1, (2 * random.NextDouble()) - 1);
            var square = (u * u) + (v * v);
            if (square is > 0 and < 1)
            {
                return u * Math.Sqrt(-2 * Math.Log(square) / square);
            }
        }
    }

    /// <summary>The probability below x, relative error about 1e-13.</summary>
    public static double Cumulative(double x) => x > 0 ? 1 - Upper(x) : Upper(-x);

    /// <summary>The probability between two points, without cancellation in the tails.</summary>
    public static double Between(double low, double high) =>
        low > 0 ? Upper(low) - Upper(high) : high < 0 ? Upper(-high) - Upper(-low) : 1 - Upper(-low) - Upper(high);

    // Above x >= 0: the series around 0, or the continued fraction of Laplace from the far end.
    private static double Upper(double x)
    {
        if (x > 38)
        {
            return 0;
        }

        if (x < 3)
        {
            var (term, sum) = (x, x);
            for (var k = 1; Math.Abs(term) > 1e-17; k++)
            {
                term *= x * x / ((2 * k) + 1);
                sum += term;
            }

            return 0.5 - (sum * Density(x, 1));
        }

        var fraction = x;
        for (var k = 60; k > 0; k--)
        {
            fraction = x + (k / fraction);
        }

        return Density(x, 1) / fraction;
    }
}
