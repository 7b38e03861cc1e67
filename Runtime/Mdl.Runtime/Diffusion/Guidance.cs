using System.Numerics;

namespace Mdl.Runtime.Diffusion;

/// <summary>
/// Classifier-free guidance (Ho and Salimans, 2207.12598): D = D_u + w (D_c - D_u), so that w = 1 is no guidance; only in an interval of sigma (Kynkäänniemi et
/// al., 2404.07724), and with the result's deviation drawn back to the conditional one's by a share (Lin et al., 2305.08891, equation 15).
/// </summary>
/// <param name="conditional">The denoiser that knows the condition.</param>
/// <param name="unconditional">The one that does not.</param>
/// <param name="weight">w.</param>
/// <param name="from">Below this sigma there is no guidance.</param>
/// <param name="to">Above this sigma there is no guidance.</param>
/// <param name="rescale">phi, from 0 to 1.</param>
public sealed class GuidedDenoiser<T>(
    IDenoiser<T> conditional, IDenoiser<T> unconditional, double weight, double from = 0, double to = double.PositiveInfinity, double rescale = 0) : IDenoiser<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private T[] _unconditional = [];

    /// <inheritdoc/>
    public int Dimensions { get; } = conditional.Dimensions == unconditional.Dimensions
        ? conditional.Dimensions
        : throw new ArgumentException(
            $"The conditional denoiser has {conditional.Dimensions} dimensions, the unconditional one {unconditional.Dimensions}.", nameof(unconditional));

    /// <inheritdoc/>
    public void Denoise(ReadOnlySpan<T> y, double sigma, Span<T> denoised)
    {
        conditional.Denoise(y, sigma, denoised);
        if (weight == 1 || sigma < from || sigma > to)
        {
            return;
        }

        if (_unconditional.Length != y.Length)
        {
            _unconditional = new T[y.Length];
        }

        unconditional.Denoise(y, sigma, _unconditional);
        for (var i = 0; i < y.Length; i += Dimensions)
        {
            Guide(denoised.Slice(i, Dimensions), _unconditional.AsSpan(i, Dimensions));
        }
    }

    private void Guide(Span<T> sample, ReadOnlySpan<T> plain)
    {
        var before = Deviation(sample);
        var w = T.CreateTruncating(weight);
        for (var j = 0; j < sample.Length; j++)
        {
            sample[j] = plain[j] + (w * (sample[j] - plain[j]));
        }

        var after = rescale > 0 ? Deviation(sample) : 0;
        if (after > 0)
        {
            var factor = T.CreateTruncating((rescale * before / after) + 1 - rescale);
            for (var j = 0; j < sample.Length; j++)
            {
                sample[j] *= factor;
            }
        }
    }

    private static double Deviation(ReadOnlySpan<T> sample)
    {
        var (sum, squares) = (0.0, 0.0);
        foreach (var value in sample)
        {
            var x = double.CreateTruncating(value);
            sum += x;
            squares += x * x;
        }

        return Math.Sqrt(Math.Max(0, (squares / sample.Length) - Math.Pow(sum / sample.Length, 2)));
    }
}
