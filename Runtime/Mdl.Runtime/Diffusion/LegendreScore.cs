using Mdl.Runtime.Diffusion.Kernel;
using Mdl.Runtime.Diffusion.Sampling;

namespace Mdl.Runtime.Diffusion;

/// <summary>
/// The estimator of Zhang et al. (2402.15602) to the letter, for reproducing the paper: noise of variance t is added to the data, a kernel of order log n and bandwidth
/// sqrt(t) / (C sqrt(log n)) estimates density and gradient, and the score is 0 where the density is at most 1 / (n t^(d/2)). It proves the rate; as an estimator it
/// is far behind <see cref="KernelScore{T}"/>. Plain loops on one thread.
/// </summary>
public sealed class LegendreScore
{
    private readonly double[] _data;
    private readonly LegendreKernel _kernel;
    private readonly double _bandwidthFactor;
    private readonly ulong _seed;

    /// <summary>Takes a copy of data.</summary>
    /// <param name="data">[n, d]; finite, at least two points.</param>
    /// <param name="dimensions">d.</param>
    /// <param name="constant">C; the theorem wants it above d e, where errors are largest.</param>
    /// <param name="seed">Of the noise that is added to the data.</param>
    /// <exception cref="ArgumentException">Data that no estimate can be made from.</exception>
    public LegendreScore(ReadOnlySpan<double> data, int dimensions, double constant, ulong seed = 0)
    {
        DataStatistics.Of(data, dimensions, allowConstantColumns: false);
        if (!(constant > 0 && double.IsFinite(constant)))
        {
            throw new ArgumentOutOfRangeException(nameof(constant), constant, "C must be above 0 and finite.");
        }

        (_data, Dimensions, _seed) = (data.ToArray(), dimensions, seed);
        _bandwidthFactor = 1 / (constant * Math.Sqrt(Math.Log(Count)));
        Order = Math.Max(1, (int)Math.Round(Math.Log(Count)));
        _kernel = new LegendreKernel(Order);
    }

    /// <summary>The number of coordinates of a point.</summary>
    public int Dimensions { get; }

    /// <summary>The number of points.</summary>
    public int Count => _data.Length / Dimensions;

    /// <summary>The kernel's order, log n.</summary>
    public int Order { get; }

    /// <summary>The score at time t.</summary>
    /// <param name="x">[N, d].</param>
    /// <param name="t">The variance of the noise; above 0.</param>
    /// <param name="score">[N, d].</param>
    public void Score(ReadOnlySpan<double> x, double t, Span<double> score)
    {
        if (!(t > 0 && double.IsFinite(t)))
        {
            throw new ArgumentOutOfRangeException(nameof(t), t, "The time must be above 0 and finite.");
        }

        if (x.Length % Dimensions != 0 || score.Length != x.Length)
        {
            throw new ArgumentException($"{x.Length} numbers and {score.Length} results are not points of {Dimensions} dimensions.", nameof(x));
        }

        var d = Dimensions;
        var noisy = new double[_data.Length];
        SamplerNoise.Fill(noisy.AsSpan(), d, _seed, 0, 0, Math.Sqrt(t), NoisePurpose.Start);
        Combination.Update(noisy.AsSpan(), Math.Sqrt(t), 1, _data);
        var bandwidth = Math.Sqrt(t) * _bandwidthFactor;
        var threshold = 1 / (Count * Math.Pow(t, d / 2.0));
        var (values, slopes) = (new double[d], new double[d]);
        for (var query = 0; query < x.Length; query += d)
        {
            var gradient = score.Slice(query, d);
            gradient.Clear();
            var density = 0.0;
            for (var i = 0; i < noisy.Length; i += d)
            {
                var product = 1.0;
                for (var j = 0; j < d && product != 0; j++)
                {
                    (values[j], slopes[j]) = _kernel.At((x[query + j] - noisy[i + j]) / bandwidth);
                    product *= values[j];
                }

                density += product;
                for (var j = 0; j < d && product != 0; j++)
                {
                    gradient[j] += product / values[j] * slopes[j] / bandwidth;
                }
            }

            var isDense = density / (Count * Math.Pow(bandwidth, d)) > threshold;
            for (var j = 0; j < d; j++)
            {
                gradient[j] = isDense ? gradient[j] / density : 0;
            }
        }
    }
}
