namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>What the estimator does where there are few data.</summary>
public enum KernelTailKind
{
    /// <summary>Nothing: the score of the kernel density itself.</summary>
    None,

    /// <summary>One pseudo-datum, the normal law N(mean, covariance + t I) of the data, of a weight in data.</summary>
    Gaussian,

    /// <summary>The score is 0 where the density is at most weight / (n t^(d/2)) (Zhang et al., 2402.15602, equation of the estimator).</summary>
    Threshold,

    /// <summary>The gradient of the density is divided by the larger of the density and weight / (n t^(d/2)) (Wibisono et al., 2402.07747).</summary>
    Max,
}

/// <summary>What the estimator does where there are few data.</summary>
/// <param name="Kind">Which way.</param>
/// <param name="Weight">The weight of the pseudo-datum, or the factor of the threshold; above 0.</param>
public readonly record struct KernelTail(KernelTailKind Kind, double Weight = 1)
{
    /// <summary>The score of the kernel density itself.</summary>
    public static KernelTail None => new(KernelTailKind.None);

    /// <summary>A normal pseudo-datum of a weight; with weight 1 it is never worse than no tail at large t and better at small t.</summary>
    public static KernelTail Gaussian(double weight = 1) => new(KernelTailKind.Gaussian, weight);

    /// <summary>No score where the density is low.</summary>
    public static KernelTail Threshold(double factor = 1) => new(KernelTailKind.Threshold, factor);

    /// <summary>A score bounded where the density is low.</summary>
    public static KernelTail Max(double factor = 1) => new(KernelTailKind.Max, factor);
}
