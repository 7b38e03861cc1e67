namespace Minimax.Sample.Measures;

/// <summary>A law that data are drawn from, and what is known of it with noise of variance t added.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="Dimensions">d.</param>
/// <param name="Low">Below this, in each coordinate, there is next to nothing of the law itself.</param>
/// <param name="High">Above this as well.</param>
/// <param name="Draw">Writes one point.</param>
/// <param name="Density">The density with noise.</param>
/// <param name="Score">Writes the score with noise.</param>
/// <param name="Clean">The density without noise.</param>
internal sealed record Target(
    string Name, int Dimensions, double Low, double High, Action<Random, Span<double>> Draw, Func<double[], double, double> Density, Action<double[], double, double[]> Score,
    Func<double[], double> Clean)
{
    /// <summary>Two normal laws of variance 1/4 on a line.</summary>
    public static Target M1 { get; } = Mixture("M1", 1, [-2, 2]);

    /// <summary>Three normal laws of variance 1/4 in the plane.</summary>
    public static Target M2 { get; } = Mixture("M2", 2, [0, 2, Math.Sqrt(3), -1, -Math.Sqrt(3), -1]);

    /// <summary>Uniform on [0, 1].</summary>
    public static Target U1 { get; } = Uniform("U1", 1);

    /// <summary>Uniform on the unit square.</summary>
    public static Target U2 { get; } = Uniform("U2", 2);

    /// <summary>The law of Laplace with scale 1.</summary>
    public static Target Laplace { get; } = new(
        "Laplace", 1, -12, 12,
        (random, x) =>
        {
            var u = random.NextDouble() - 0.5;
            x[0] = -Math.Sign(u) * Math.Log(1 - (2 * Math.Abs(u)));
        },
        (x, t) => LaplaceParts(x[0], t).Density,
        (x, t, score) =>
        {
            var (density, slope) = LaplaceParts(x[0], t);
            score[0] = slope / density;
        },
        x => Math.Exp(-Math.Abs(x[0])) / 2);

    /// <summary>n points, [n, d].</summary>
    public double[] Points(int count, int seed)
    {
        var random = new Random(seed);
        var points = new double[count * Dimensions];
        for (var i = 0; i < count; i++)
        {
            Draw(random, points.AsSpan(i * Dimensions, Dimensions));
        }

        return points;
    }

    private const double PartVariance = 0.25;

    private static Target Mixture(string name, int d, double[] means)
    {
        var parts = means.Length / d;
        return new(
            name, d, -5, 5,
            (random, x) =>
            {
                var part = random.Next(parts);
                for (var j = 0; j < d; j++)
                {
                    x[j] = means[(part * d) + j] + (Math.Sqrt(PartVariance) * Gauss.Draw(random));
                }
            },
            (x, t) => Enumerable.Range(0, parts).Sum(k => Part(x, t, k)) / parts,
            (x, t, score) =>
            {
                Array.Clear(score);
                var sum = 0.0;
                for (var k = 0; k < parts; k++)
                {
                    var weight = Part(x, t, k);
                    sum += weight;
                    for (var j = 0; j < d; j++)
                    {
                        score[j] += weight * (means[(k * d) + j] - x[j]) / (PartVariance + t);
                    }
                }

                for (var j = 0; j < d; j++)
                {
                    score[j] /= sum;
                }
            },
            x => Enumerable.Range(0, parts).Sum(k => Part(x, 0, k)) / parts)
        {
            MixtureMeans = means,
        };

        double Part(double[] x, double t, int k)
        {
            var density = 1.0;
            for (var j = 0; j < d; j++)
            {
                density *= Gauss.Density(x[j] - means[(k * d) + j], PartVariance + t);
            }

            return density;
        }
    }

    /// <summary>The means of a mixture whose parts have variance 1/4, or nothing.</summary>
    public double[] MixtureMeans { get; private init; } = [];

    private static Target Uniform(string name, int d) => new(
        name, d, 0, 1,
        (random, x) =>
        {
            for (var j = 0; j < d; j++)
            {
                x[j] = random.NextDouble();
            }
        },
        (x, t) => x.Aggregate(1.0, (product, v) => product * Side(v, t)),
        (x, t, score) =>
        {
            for (var j = 0; j < d; j++)
            {
                score[j] = (Gauss.Density(x[j], t) - Gauss.Density(x[j] - 1, t)) / Side(x[j], t);
            }
        },
        x => x.All(v => v is >= 0 and <= 1) ? 1 : 0);

    private static double Side(double x, double t) => Gauss.Between((x - 1) / Math.Sqrt(t), x / Math.Sqrt(t));

    private static (double Density, double Slope) LaplaceParts(double x, double t)
    {
        // Completing the square on either side of 0.
        var s = Math.Sqrt(t);
        var right = Math.Exp((t / 2) - x) * Gauss.Cumulative((x / s) - s) / 2;
        var left = Math.Exp((t / 2) + x) * Gauss.Cumulative((-x / s) - s) / 2;
        return (left + right, left - right);
    }
}
