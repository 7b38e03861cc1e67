using Mdl.Runtime.Diffusion.Networks;
using Mdl.Runtime.Diffusion.Sampling;

namespace Mdl.Runtime.Tests.Diffusion;

/// <summary>Figures from the implementations that people use, to as many digits as they were noted.</summary>
public sealed class ScheduleTests
{
    [Fact]
    public void DiscreteProcessesHaveTheirPublishedEnds()
    {
        var linear = DiscreteProcess.Linear();
        Same(4.035829765e-5, linear.SignalShares[^1], 1e-9);
        Same(0.0100005, linear.Sigmas[0], 1e-6);
        Same(157.40728, linear.Sigmas[^1], 1e-7);

        var scaled = DiscreteProcess.ScaledLinear();
        Same(0.004660098513, scaled.SignalShares[^1], 1e-9);
        Same(0.029167158, scaled.Sigmas[0], 1e-7);
        Same(14.614641, scaled.Sigmas[^1], 1e-7);

        var cosine = DiscreteProcess.Cosine();
        Same(4.12842e-5, 1 - cosine.SignalShares[0], 1e-5);
        Same(0.00642541, cosine.Sigmas[0], 1e-6);
        Same(20291.2, cosine.Sigmas[^1], 1e-5);
    }

    [Fact]
    public void ContinuousProcessesHaveTheirPublishedEnds()
    {
        var process = ContinuousProcess.VariancePreserving();
        Same(152.16697, process.Sigma(1), 1e-7);
        Same(0.010485993, process.Sigma(1e-3), 1e-7);
        Same(50, ContinuousProcess.VarianceExploding().Sigma(1), 1e-12);

        // Less noise, the same signal: std = 1 - alpha^2.
        var sub = ContinuousProcess.SubVariancePreserving();
        Same(1 - Math.Pow(process.Alpha(0.3), 2), sub.Deviation(0.3), 1e-12);
        Same(3, ContinuousProcess.Flow().Sigma(0.75), 1e-12);
    }

    [Fact]
    public void KarrasLevelsAreThePublishedOnes()
    {
        double[] expected =
        [
            80, 57.586, 40.7856, 28.3746, 19.3525, 12.9101, 8.40094, 5.31519, 3.25682, 1.92334, 1.08817, .585348, .296442, .139516, .0599473, .0229345,
            .00752802, .002,
        ];
        var levels = NoiseSchedule.Karras(80, 0.002, 18);
        for (var i = 0; i < expected.Length; i++)
        {
            Same(expected[i], levels[i], 6e-6);
        }

        // Independent of the noted digits: the roots are evenly spaced.
        for (var i = 0; i < levels.Length; i++)
        {
            Same(Math.Pow(80, 1 / 7.0) + (i / 17.0 * (Math.Pow(0.002, 1 / 7.0) - Math.Pow(80, 1 / 7.0))), Math.Pow(levels[i], 1 / 7.0), 1e-12);
        }
    }

    [Fact]
    public void FlowsShiftAsPublished()
    {
        foreach (var (time, shifted) in new[] { (1, 1), (0.75, 0.9), (0.5, 0.75), (0.25, 0.5) })
        {
            Same(shifted, NoiseSchedule.ShiftedTime(time, 3), 1e-12);
        }

        Same(0.63, NoiseSchedule.FluxShift(1024), 1e-12);
        var sigmas = NoiseSchedule.Flow(4, 3);
        Same(9, sigmas[1], 1e-12);
        Same(3, sigmas[2], 1e-12);
        Same(1, sigmas[3], 1e-12);
    }

    [Fact]
    public void IndicesAreChosenAsDdpmCodesDo()
    {
        var process = DiscreteProcess.Linear();
        Assert.Equal([999, 749, 499, 249], Steps(IndexSpacing.Trailing));
        Assert.Equal([750, 500, 250, 0], Steps(IndexSpacing.Leading));
        Assert.Equal([999, 666, 333, 0], Steps(IndexSpacing.Linspace));

        int[] Steps(IndexSpacing spacing) => [.. NoiseSchedule.Indices(process, spacing, 4).Select(s => process.Sigmas.ToList().IndexOf(s))];
    }

    [Fact]
    public void ZeroTerminalSignalKeepsTheFirstStep()
    {
        var process = DiscreteProcess.ScaledLinear();
        var stretched = process.WithZeroTerminalSignal();
        Assert.Equal(0, stretched.SignalShares[^1]);
        Same(process.SignalShares[0], stretched.SignalShares[0], 1e-12);
    }

    // Networks that are exact in each parameterisation must all give the same denoised point.
    [Fact]
    public void ParameterisationsAgree()
    {
        var (x0, eps) = (0.7, -1.3);
        foreach (var sigma in new[] { 0.02, 1, 30 })
        {
            var y = x0 + (sigma * eps);
            foreach (var process in Enum.GetValues<ProcessKind>())
            {
                var alpha = process switch { ProcessKind.VarianceExploding => 1, ProcessKind.VariancePreserving => 1 / Math.Sqrt(1 + (sigma * sigma)), _ => 1 / (1 + sigma) };
                var deviation = alpha * sigma;
                Check(Prediction.Noise, eps);
                Check(Prediction.Data, x0);
                Check(Prediction.Score, -eps / deviation);
                if (process == ProcessKind.VariancePreserving)
                {
                    Check(Prediction.Velocity, (alpha * eps) - (deviation * x0));
                }

                if (process == ProcessKind.Flow)
                {
                    Check(Prediction.Flow, eps - x0);
                }

                void Check(Prediction prediction, double output)
                {
                    var c = Preconditioning.Of(prediction, process, sigma);
                    Same(x0, (c.Skip * y) + (c.Out * output), 1e-12);
                    Same(alpha, c.In, 1e-12);
                }
            }
        }

        Assert.Throws<ArgumentException>(() => Preconditioning.Of(Prediction.Flow, ProcessKind.VarianceExploding, 1));
    }

    [Fact]
    public void MinimaxTimesAreThePublishedOnes()
    {
        foreach (var (n, d, t0, start, rate) in new[]
        {
            (1000, 1, 0.0631, 251.2, 0.0631), (10000, 1, 0.02512, 1585, 0.02512), (10000, 2, 0.04642, 464.2, 0.04642), (100000, 2, 0.02154, 2154, 0.02154),
            (100000, 8, 0.1468, 46.42, 0.1468), (60000, 784, 0.9725, 1.057, 0.9725),
        })
        {
            var stop = new MinimaxStop(2, n, d, 1);
            Same(t0, stop.StopTime, 5e-4);
            Same(start, stop.StartTime, 5e-4);
            Same(rate, stop.Rate, 5e-4);
            Assert.Equal(d < 784, stop.IsUseful);
            Assert.Equal(d == 784, stop.ToString().Contains("warning", StringComparison.Ordinal));
        }

        Assert.Throws<ArgumentException>(() => new MinimaxStop(3, 1000, 1, 1));
        Assert.Equal(3, new MinimaxStop(3, 1000, 1, 1, denoises: true).Smoothness);
    }

    private static void Same(double expected, double actual, double relative) => Assert.InRange(actual / expected, 1 - relative, 1 + relative);
}
