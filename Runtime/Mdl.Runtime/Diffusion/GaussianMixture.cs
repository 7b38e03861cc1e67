using System.Numerics;

namespace Mdl.Runtime.Diffusion;

/// <summary>The exact denoiser of a mixture of normal laws N(mean_k, variance_k I): what samplers are tested with.</summary>
public sealed class GaussianMixture<T> : IDifferentiableDenoiser<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly double[] _weights;
    private readonly double[] _means;
    private readonly double[] _variances;
    private readonly double[] _logs;

    /// <summary>A mixture.</summary>
    /// <param name="weights">[K], above 0; they are made to sum to 1.</param>
    /// <param name="means">[K, d].</param>
    /// <param name="variances">[K], 0 or more.</param>
    /// <exception cref="ArgumentException">Lengths or values that do not fit.</exception>
    public GaussianMixture(ReadOnlySpan<double> weights, ReadOnlySpan<double> means, ReadOnlySpan<double> variances)
    {
        if (weights.Length == 0 || variances.Length != weights.Length || means.Length == 0 || means.Length % weights.Length != 0)
        {
            throw new ArgumentException($"{weights.Length} weights, {variances.Length} variances and {means.Length} coordinates of means are no mixture.", nameof(weights));
        }

        foreach (var weight in weights)
        {
            if (!(weight > 0 && double.IsFinite(weight)))
            {
                throw new ArgumentException($"Weights must be above 0 and finite, not {weight}.", nameof(weights));
            }
        }

        foreach (var variance in variances)
        {
            if (!(variance >= 0 && double.IsFinite(variance)))
            {
                throw new ArgumentException($"Variances must be 0 or more and finite, not {variance}.", nameof(variances));
            }
        }

        (_weights, _means, _variances, _logs) = (weights.ToArray(), means.ToArray(), variances.ToArray(), new double[weights.Length]);
        var sum = _weights.Sum();
        for (var k = 0; k < _weights.Length; k++)
        {
            _weights[k] /= sum;
        }
    }

    /// <inheritdoc/>
    public int Dimensions => _means.Length / _weights.Length;

    /// <inheritdoc/>
    public void Denoise(ReadOnlySpan<T> y, double sigma, Span<T> denoised)
    {
        var d = Dimensions;
        for (var i = 0; i < y.Length; i += d)
        {
            var total = LogDensity(y.Slice(i, d), sigma);
            for (var j = 0; j < d; j++)
            {
                var (x, sum) = (double.CreateTruncating(y[i + j]), 0.0);
                for (var k = 0; k < _weights.Length; k++)
                {
                    var (mean, variance) = (_means[(k * d) + j], _variances[k]);
                    sum += Math.Exp(_logs[k] - total) * (mean + (variance / (variance + (sigma * sigma)) * (x - mean)));
                }

                denoised[i + j] = T.CreateTruncating(sum);
            }
        }
    }

    /// <inheritdoc/>
    public void Pull(ReadOnlySpan<T> y, double sigma, ReadOnlySpan<T> direction, Span<T> denoised, Span<T> pulled)
    {
        Denoise(y, sigma, denoised);
        var d = Dimensions;
        var (mean, sums) = (new double[d], new double[d]);
        for (var i = 0; i < y.Length; i += d)
        {
            // D = sum of r_k m_k with m_k = mean_k + g_k (y - mean_k), so v' J = sum of r_k (g_k v + (v . m_k) (s_k - s)) with s_k the score of part k and s their mean.
            var total = LogDensity(y.Slice(i, d), sigma);
            Array.Clear(mean);
            Array.Clear(sums);
            var along = 0.0;
            for (var k = 0; k < _weights.Length; k++)
            {
                var (share, variance) = (Math.Exp(_logs[k] - total), _variances[k] + (sigma * sigma));
                var gain = _variances[k] / variance;
                var product = 0.0;
                for (var j = 0; j < d; j++)
                {
                    product += double.CreateTruncating(direction[i + j]) * (_means[(k * d) + j] + (gain * (double.CreateTruncating(y[i + j]) - _means[(k * d) + j])));
                }

                along += share * product;
                for (var j = 0; j < d; j++)
                {
                    var score = (_means[(k * d) + j] - double.CreateTruncating(y[i + j])) / variance;
                    mean[j] += share * score;
                    sums[j] += share * ((gain * double.CreateTruncating(direction[i + j])) + (product * score));
                }
            }

            for (var j = 0; j < d; j++)
            {
                pulled[i + j] = T.CreateTruncating(sums[j] - (along * mean[j]));
            }
        }
    }

    /// <summary>The logarithm of the density of the mixture with noise added, at one point.</summary>
    public double LogDensity(ReadOnlySpan<T> y, double sigma)
    {
        var (d, largest) = (Dimensions, double.NegativeInfinity);
        for (var k = 0; k < _weights.Length; k++)
        {
            var (variance, square) = (_variances[k] + (sigma * sigma), 0.0);
            for (var j = 0; j < d; j++)
            {
                var difference = double.CreateTruncating(y[j]) - _means[(k * d) + j];
                square += difference * difference;
            }

            _logs[k] = Math.Log(_weights[k]) - (square / (2 * variance)) - (0.5 * d * Math.Log(2 * Math.PI * variance));
            largest = Math.Max(largest, _logs[k]);
        }

        var sum = 0.0;
        foreach (var log in _logs)
        {
            sum += Math.Exp(log - largest);
        }

        return largest + Math.Log(sum);
    }
}
