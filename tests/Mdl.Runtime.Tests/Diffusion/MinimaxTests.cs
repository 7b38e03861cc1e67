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

    // The slope in n is -1; 40 sets leave a standard error of about 0.01.
    [Fact]
    public void Errors_fall_as_one_over_n()
    {
        var slope = Fit.Slope(new[] { 1000, 3000, 10000 }.Select(n => ((double)n, ScoreError.Measure(Target.U1, 1e-3, n, 40, KernelTail.None, 7).Average())));
        Assert.Equal(-1, slope, 0.05);
    }

    // Compact data: C(t) = d/2 (4 pi)^(-d/2) t^(-(d + 2)/2) as t falls, with edges that make it a little flatter.
    [Fact]
    public void Errors_rise_with_the_power_of_small_times()
    {
        var slope = Fit.Slope(new[] { 1e-4, 3e-4, 1e-3, 3e-3 }.Select(t => (t, ScoreError.Measure(Target.U1, t, 30_000, 12, KernelTail.None, 9).Average())));
        Assert.InRange(slope, -1.6, -1.4);
    }

    [Fact]
    public void Total_variation_falls_with_the_root_of_n()
    {
        var slope = Fit.Slope(new[] { 300, 1000, 3000, 10_000 }.Select(n => ((double)n, TotalVariation.Measure(Target.M1, 0.01, n, 20, 11).ToNoisy)));
        Assert.Equal(-0.504, slope, 0.03);
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

    private static Target Find(string name) => name == "M1" ? Target.M1 : Target.M2;
}
