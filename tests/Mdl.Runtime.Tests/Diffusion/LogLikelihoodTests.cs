using Mdl.Runtime.Diffusion;
using Mdl.Runtime.Diffusion.Kernel;

namespace Mdl.Runtime.Tests.Diffusion;

public sealed class LogLikelihoodTests
{
    private static readonly GaussianMixture<double> Three = new([1, 2, 1], [0, 2, 1.7, -1, -1.7, -1], [0.25, 0.1, 0.4]);

    private static readonly double[] Points = [0, 0, 0.3, 1.8, 1.7, -1, -3, 2, 0.9, 0.4];

    [Fact]
    public void The_flow_gives_the_density()
    {
        var actual = new double[5];
        new LogLikelihood<double>(Three, 0.05, 1e6, 1600).Evaluate(Points, actual);
        for (var i = 0; i < 5; i++)
        {
            // The mean of the data beside the largest noise is 1e-6; the rest is the error of 1600 steps, which falls with their fourth power.
            Assert.Equal(Three.LogDensity(Points.AsSpan(2 * i, 2), 0.05), actual[i], 1e-5);
        }
    }

    [Fact]
    public void The_method_is_of_fourth_order()
    {
        double Error(int steps)
        {
            var (rough, fine) = (new double[5], new double[5]);
            new LogLikelihood<double>(Three, 0.05, 3000, steps).Evaluate(Points, rough);
            new LogLikelihood<double>(Three, 0.05, 3000, 1600).Evaluate(Points, fine);
            return Math.Sqrt(rough.Zip(fine, (a, b) => (a - b) * (a - b)).Sum());
        }

        Assert.Equal(4, Math.Log2(Error(100) / Error(200)), 0.3);
    }

    [Fact]
    public void Random_directions_are_unbiased()
    {
        var exact = new double[5];
        new LogLikelihood<double>(Three, 0.05, 300, 60).Evaluate(Points, exact);
        const int Runs = 200;
        var runs = Enumerable.Range(0, Runs).Select(seed =>
        {
            var estimate = new double[5];
            new LogLikelihood<double>(Three, 0.05, 300, 60, probes: 1).Evaluate(Points, estimate, (ulong)seed);
            return estimate;
        }).ToArray();
        for (var i = 0; i < 5; i++)
        {
            var mean = runs.Average(r => r[i]);
            var error = Math.Sqrt(runs.Sum(r => Math.Pow(r[i] - mean, 2)) / Runs / (Runs - 1));
            Assert.InRange(Math.Abs(mean - exact[i]), 0, (4.5 * error) + 1e-12);
            Assert.InRange(error, 1e-4, 1);
        }
    }

    [Fact]
    public void The_mixtures_derivative_is_its_slope()
    {
        double[] direction = [0.3, -1.2], along = [1.1, 0.4];
        foreach (var sigma in new[] { 0.1, 1, 8 })
        {
            for (var i = 0; i < 5; i++)
            {
                var (y, denoised, pulled) = (Points[(2 * i)..((2 * i) + 2)], new double[2], new double[2]);
                Three.Pull(y, sigma, direction, denoised, pulled);
                double Along(double step)
                {
                    var result = new double[2];
                    Three.Denoise([y[0] + (step * along[0]), y[1] + (step * along[1])], sigma, result);
                    return (direction[0] * result[0]) + (direction[1] * result[1]);
                }

                Assert.Equal((Along(1e-5) - Along(-1e-5)) / 2e-5, (pulled[0] * along[0]) + (pulled[1] * along[1]), 1e-8);
            }
        }
    }

    [Fact]
    public void Of_a_kernel_score_it_is_the_density_of_the_estimate()
    {
        double[] data = [-1, 0.2, 2, -0.7, 0.4, 1.1];
        foreach (var tail in new[] { KernelTail.None, KernelTail.Gaussian() })
        {
            var kernel = new KernelScore<double>(data, 1, tail);
            double[] x = [-2, 0.1, 1.5];
            var (density, score, flow) = (new double[3], new double[3], new double[3]);
            kernel.Score(x, 0.09, score, density);
            new LogLikelihood<double>(kernel, 0.3, 1e6, 1600).Evaluate(x, flow);
            for (var i = 0; i < 3; i++)
            {
                // The mean of the data beside the largest noise is 1e-6; the rest is the error of the steps.
                Assert.Equal(density[i], flow[i], 1e-5);
            }
        }
    }

    [Fact]
    public void Bad_numbers_are_named()
    {
        Assert.Contains("rise", Assert.Throws<ArgumentException>(() => new LogLikelihood<double>(Three, 2, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("3 numbers are not 1 samples of 2", Assert.Throws<ArgumentException>(() => new LogLikelihood<double>(Three).Evaluate(new double[3], new double[1])).Message, StringComparison.Ordinal);
    }
}
