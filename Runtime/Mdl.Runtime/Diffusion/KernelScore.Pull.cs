namespace Mdl.Runtime.Diffusion;

/// <summary>What makes the estimate fit for likelihoods along the probability flow.</summary>
public sealed partial class KernelScore<T> : IDifferentiableDenoiser<T>
{
    /// <inheritdoc/>
    public void Pull(ReadOnlySpan<T> y, double sigma, ReadOnlySpan<T> direction, Span<T> denoised, Span<T> pulled)
    {
        if (direction.Length != y.Length || pulled.Length != y.Length)
        {
            throw new ArgumentException($"{y.Length} numbers need as many of a direction and of results, not {direction.Length} and {pulled.Length}.", nameof(direction));
        }

        Denoise(y, sigma, denoised);
        var (d, t) = (Dimensions, T.CreateTruncating(sigma * sigma));
        var jacobian = new T[checked(y.Length * d)];
        ScoreJacobian(y, sigma * sigma, jacobian);
        for (var i = 0; i < y.Length; i++)
        {
            // D = y + t s, whose derivative is symmetric.
            var sum = T.Zero;
            for (var k = 0; k < d; k++)
            {
                sum += jacobian[(i * d) + k] * direction[(i / d * d) + k];
            }

            pulled[i] = direction[i] + (t * sum);
        }
    }
}
