using Mdl.Runtime.Diffusion;
using Mdl.Runtime.Diffusion.Kernel;

namespace Minimax.Sample.Measures;

/// <summary>The mean squared error of the kernel score: the integral of |s^ - s|^2 p over all x, so that only the data are random.</summary>
internal static class ScoreError
{
    /// <summary>The errors of some data sets; the seed of each follows from the first.</summary>
    public static double[] Measure(Target target, double t, int count, int sets, KernelTail tail, int seed, double stepInDeviations = 0.5)
    {
        var grid = new Grid(target, t, stepInDeviations * Math.Sqrt(t));
        var d = target.Dimensions;
        var (weights, exact) = (new double[grid.Count], new double[grid.Count * d]);
        var (point, score) = (new double[d], new double[d]);
        for (var i = 0; i < grid.Count; i++)
        {
            Array.Copy(grid.Points, i * d, point, 0, d);
            weights[i] = target.Density(point, t) * grid.Cell;
            if (weights[i] > 0)
            {
                target.Score(point, t, score);
                score.CopyTo(exact, i * d);
            }
        }

        var estimate = new double[grid.Points.Length];
        return [.. Enumerable.Range(0, sets).Select(set =>
        {
            new KernelScore<double>(target.Points(count, seed + set), d, tail).Score(grid.Points, t, estimate);
            var sum = 0.0;
            for (var i = 0; i < grid.Count; i++)
            {
                for (var j = 0; weights[i] > 1e-30 && j < d; j++)
                {
                    var difference = estimate[(i * d) + j] - exact[(i * d) + j];
                    sum += weights[i] * difference * difference;
                }
            }

            return sum;
        })];
    }

    /// <summary>
    /// What n times the error of the plain estimator tends to: C(t) = int 1/p E[phi(x - X)^2 |(X - x)/t - s|^2] dx, for a mixture of normal laws of variance v = 1/4.
    /// </summary>
    public static double Limit(Target target, double t)
    {
        const double Variance = 0.25;
        var d = target.Dimensions;
        var means = target.MixtureMeans;
        var parts = means.Length / d;
        var grid = new Grid(target, t, 0.25 * Math.Sqrt(t));
        var (x, score) = (new double[d], new double[d]);
        var sum = 0.0;
        for (var i = 0; i < grid.Count; i++)
        {
            Array.Copy(grid.Points, i * d, x, 0, d);
            var density = target.Density(x, t);
            if (density < 1e-290)
            {
                continue;
            }

            target.Score(x, t, score);
            for (var k = 0; k < parts; k++)
            {
                var (weight, square) = (1.0 / parts, 0.0);
                for (var j = 0; j < d; j++)
                {
                    var mean = means[(k * d) + j];
                    weight *= Gauss.Density(x[j] - mean, Variance + (t / 2));
                    var middle = mean + (Variance * (x[j] - mean) / (Variance + (t / 2)));
                    square += Math.Pow(middle - x[j] - (t * score[j]), 2);
                }

                sum += weight / density * ((d * Variance * (t / 2) / (Variance + (t / 2))) + square) / (t * t) * grid.Cell;
            }
        }

        return Math.Pow(4 * Math.PI * t, -0.5 * d) * sum;
    }
}
