using System.Numerics;

namespace Mdl.Runtime.Diffusion;

/// <summary>
/// The one thing that a sampler asks of a model, in the coordinates of Karras et al. (EDM, 2206.00364): y = x0 + sigma z, and the denoised point is
/// D(y, sigma) = E[x0 | y], so that the score of y is (D - y) / sigma^2.
/// </summary>
public interface IDenoiser<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The number of coordinates of a sample.</summary>
    int Dimensions { get; }

    /// <summary>Computes D(y, sigma) of a batch.</summary>
    /// <param name="y">[N, d].</param>
    /// <param name="sigma">The noise's standard deviation; above 0.</param>
    /// <param name="denoised">[N, d].</param>
    void Denoise(ReadOnlySpan<T> y, double sigma, Span<T> denoised);
}

/// <summary>A denoiser whose derivative by y is known: what likelihoods need.</summary>
public interface IDifferentiableDenoiser<T> : IDenoiser<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Computes D(y, sigma) of a batch and, for each sample, v' J with J = dD/dy.</summary>
    /// <param name="y">[N, d].</param>
    /// <param name="sigma">The noise's standard deviation; above 0.</param>
    /// <param name="direction">v, [N, d].</param>
    /// <param name="denoised">[N, d].</param>
    /// <param name="pulled">[N, d].</param>
    void Pull(ReadOnlySpan<T> y, double sigma, ReadOnlySpan<T> direction, Span<T> denoised, Span<T> pulled);
}
