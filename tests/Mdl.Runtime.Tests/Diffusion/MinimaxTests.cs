using Mdl.Runtime.Diffusion;
using Mdl.Runtime.Diffusion.Kernel;
using Mdl.Runtime.Diffusion.Sampling;
using Minimax.Sample.Measures;

namespace Mdl.Runtime.Tests.Diffusion;

/// <summary>The estimator's errors follow the theory. Bounds are four standard errors, so that any seed passes.</summary>
public sealed class MinimaxTests
{
    [Theory]
    [InlineData("M1", 0.3, 400, 5.2276)]
    [InlineData("M1", 1, 400, 0.62503)]
    [InlineData("M1", 10, 400, 0.024902)]
    [InlineData("M2", 1, 200, 2.0461)]
    [InlineData("M2", 3, 200, 0.31254)]
    public void Errors_have_the_sharp_constant(string name, double t, int sets, double limit)
    {
        const int Count = 3000;
        var target = Find(name);
        Assert.Equal(limit, ScoreError.Limit(target, t), 2e-4 * limit);
        var (mean, error) = Fit.Mean(ScoreError.Measure(target, t, Count, sets, KernelTail.None, seed: 100));
        Assert.InRange(Count * mean / limit, 1 - (4 * Count * error / limit), 1 + (4 * Count * error / limit));
    }

    // The slope in n is -1; four standard errors, measured over seeds, are 0.04 and 0.045.
    [Theory]
    [InlineData("U1", 1e-3, 40)]
    [InlineData("U2", 3e-3, 30)]
    public void Errors_fall_as_one_over_n(string name, double t, int sets)
    {
        var slope = Fit.Slope(new[] { 1000, 3000, 10_000, 30_000 }.Select(n => ((double)n, ScoreError.Measure(Find(name), t, n, sets, KernelTail.None, 7).Average())));
        Assert.Equal(-1, slope, 0.05);
    }

    // Compact data: C(t) = d/2 (4 pi)^(-d/2) t^(-(d + 2)/2) as t falls, with edges that make it a little flatter; four standard errors are 0.07 and 0.1.
    [Theory]
    [InlineData("U1", new[] { 1e-4, 3e-4, 1e-3, 3e-3 }, 30_000, 12, -1.5, 0.1)]
    [InlineData("U2", new[] { 3e-4, 1e-3, 3e-3, 1e-2 }, 100_000, 5, -1.94, 0.1)]
    public void Errors_rise_with_the_power_of_small_times(string name, double[] times, int count, int sets, double expected, double tolerance)
    {
        var slope = Fit.Slope(times.Select(t => (t, ScoreError.Measure(Find(name), t, count, sets, KernelTail.None, 9).Average())));
        Assert.Equal(expected, slope, tolerance);
    }

    // C(t) = tr Cov / t^2 for large t: the t^-1 of the theorem belongs to its threshold. Four standard errors are 0.023.
    [Fact]
    public void Errors_fall_with_the_square_of_large_times()
    {
        var slope = Fit.Slope(new[] { 1.0, 3, 10 }.Select(t => (t, ScoreError.Measure(Target.U1, t, 3000, 100, KernelTail.None, 5).Average())));
        Assert.Equal(-1.96, slope, 0.03);
    }

    // -1/2 by theory; three to four standard errors are 0.02.
    [Theory]
    [InlineData("M1", 0.01, 80, -0.504)]
    [InlineData("M2", 0.1, 50, -0.5)]
    public void Total_variation_falls_with_the_root_of_n(string name, double t, int sets, double expected)
    {
        var slope = Fit.Slope(new[] { 300, 1000, 3000, 10_000 }.Select(n => ((double)n, TotalVariation.Measure(Find(name), t, n, sets, 11).ToNoisy)));
        Assert.Equal(expected, slope, 0.02);
    }

    // -d/4 as t falls; what holds at these times comes from the central limit theorem, which docs/decisions/0009 compares.
    [Theory]
    [InlineData("M1", new[] { 3e-4, 1e-3, 3e-3, 1e-2, 3e-2 }, 40, -0.264)]
    [InlineData("M2", new[] { 0.01, 0.03, 0.1, 0.3 }, 30, -0.464)]
    public void Total_variation_falls_with_the_time_where_sampling_stops(string name, double[] times, int sets, double expected)
    {
        var slope = Fit.Slope(times.Select(t => (t, TotalVariation.Measure(Find(name), t, 10_000, sets, 13).ToNoisy)));
        Assert.Equal(expected, slope, 0.02);
    }

    // t0 = n^(-2 / (2 beta + d)) gives n^(-beta / (2 beta + d)); at these n slopes are up to 0.015 flatter, and four standard errors are 0.025.
    [Theory]
    [InlineData("M1", 2, -0.4)]
    [InlineData("Laplace", 1.5, -0.375)]
    [InlineData("U1", 0.5, -0.25)]
    public void Total_variation_at_the_minimax_time_has_the_rate_of_its_smoothness(string name, double beta, double expected)
    {
        var slope = Fit.Slope(new[] { 300, 1000, 3000, 10_000, 30_000 }.Select(n =>
            ((double)n, TotalVariation.Measure(Find(name), Math.Pow(n, -2 / ((2 * beta) + 1)), n, 60, 15).ToNoisy)));
        Assert.Equal(expected, slope, 0.04);
    }

    // The Kolmogorov-Smirnov distance to the law of the kernel estimate, at 100 steps; 2.25 is exceeded once in 12 000 seeds, and discretisation adds some 0.1.
    [Theory]
    [InlineData(1, "reverse_sde")]
    [InlineData(1, "euler_a")]
    [InlineData(2, "reverse_sde")]
    [InlineData(2, "euler_a")]
    public void Samples_follow_the_law_of_the_kernel_estimate(int d, string sampler)
    {
        const int Count = 1000;
        const int Samples = 4000;
        var data = (d == 1 ? Target.M1 : Target.M2).Points(Count, 21);
        var kernel = new KernelScore<double>(data, d, KernelTail.None);
        var t0 = Math.Pow(Count, -2.0 / (4 + d));
        var samples = new double[Samples * d];
        new DiffusionSampler<double>(kernel, SamplerNames.Get(sampler), NoiseSchedule.Geometric(10, Math.Sqrt(t0), 101)).Sample(samples, 22);

        var first = Enumerable.Range(0, Samples).Select(i => samples[i * d]).Order().ToArray();
        var distance = first.Select((x, i) =>
        {
            var law = Enumerable.Range(0, Count).Average(k => Below((x - data[k * d]) / Math.Sqrt(t0)));
            return Math.Max(Math.Abs(law - ((double)i / Samples)), Math.Abs(law - ((i + 1.0) / Samples)));
        }).Max();
        Assert.InRange(Math.Sqrt(Samples) * distance, 0, 2.35);
    }

    // Beyond nine deviations nothing is left that a sum of a thousand would show.
    private static double Below(double z) => z > 9 ? 1 : z < -9 ? 0 : Gauss.Cumulative(z);

    private static Target Find(string name) => name switch
    {
        "M1" => Target.M1,
        "M2" => Target.M2,
        "U1" => Target.U1,
        "U2" => Target.U2,
        "Laplace" => Target.Laplace,
        _ => throw new ArgumentException(name, nameof(name)),
    };
}
