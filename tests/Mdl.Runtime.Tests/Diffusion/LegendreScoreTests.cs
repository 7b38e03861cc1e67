using Mdl.Runtime.Diffusion;
using Mdl.Runtime.Diffusion.Kernel;
using Minimax.Sample.Measures;

namespace Mdl.Runtime.Tests.Diffusion;

public sealed class LegendreScoreTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(9)]
    public void KernelsHaveNoMomentsUpToTheirOrder(int order)
    {
        const int Cells = 20_000;
        var kernel = new LegendreKernel(order);
        for (var power = 0; power <= order; power++)
        {
            // Simpson's rule: exact to rounding for polynomials of this degree on so many cells.
            var sum = 0.0;
            for (var i = 0; i < Cells; i++)
            {
                var (low, high) = (-1 + (2.0 * i / Cells), -1 + (2.0 * (i + 1) / Cells));
                sum += (At(low) + (4 * At((low + high) / 2)) + At(high)) * (high - low) / 6;
            }

            Assert.Equal(power == 0 ? 1 : 0, sum, 1e-10);

            double At(double x) => Math.Pow(x, power) * kernel.At(x).Value;
        }

        // K' is the derivative of K.
        foreach (var x in new[] { -0.9, -0.2, 0.45 })
        {
            Assert.Equal((kernel.At(x + 1e-6).Value - kernel.At(x - 1e-6).Value) / 2e-6, kernel.At(x).Slope, 1e-6);
        }
    }

    // Six is the nearest integer to log 500.
    [Fact]
    public void ScoresAreFiniteAndZeroWhereThereAreNoData()
    {
        var target = Target.M2;
        var data = target.Points(500, 3);
        var estimator = new LegendreScore(data, 2, 0.3, seed: 1);
        Assert.Equal(6, estimator.Order);
        var score = new double[2];
        estimator.Score([0.1, 1.9], 1, score);
        Assert.All(score, s => Assert.True(double.IsFinite(s)));

        // Where there is nothing, the score is 0.
        estimator.Score([50, 50], 1, score);
        Assert.Equal([0, 0], score);
    }

    // M1, n = 10 000, t = 0.1: an independent implementation found a mean squared error of 16 for C = 0.5, against 0.0075 of the normal kernel.
    [Fact]
    public void ItsErrorIsThePublishedOrder()
    {
        const double Time = 0.1;
        var target = Target.M1;
        var grid = new Grid(target, Time, 0.1);
        var (estimate, exact, sum) = (new double[grid.Count], new double[1], 0.0);
        const int Sets = 4;
        for (var set = 0; set < Sets; set++)
        {
            new LegendreScore(target.Points(10_000, 50 + set), 1, 0.5, (ulong)set).Score(grid.Points, Time, estimate);
            for (var i = 0; i < grid.Count; i++)
            {
                double[] x = [grid.Points[i]];
                target.Score(x, Time, exact);
                sum += target.Density(x, Time) * Math.Pow(estimate[i] - exact[0], 2) * grid.Cell / Sets;
            }
        }

        // Errors are ruled by few points where the density is low, and vary by a factor of some units between data sets.
        Assert.InRange(sum, 2, 128);
    }
}
