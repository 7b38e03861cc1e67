namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>
/// A process x = alpha(t) x0 + std(t) z in continuous time. Samplers see only its sigma = std / alpha: y = x / alpha is in EDM coordinates whatever the process.
/// </summary>
/// <param name="Alpha">The factor of the signal.</param>
/// <param name="Deviation">The standard deviation of the noise.</param>
public sealed record ContinuousProcess(Func<double, double> Alpha, Func<double, double> Deviation)
{
    /// <summary>std / alpha.</summary>
    public double Sigma(double time) => Deviation(time) / Alpha(time);

    /// <summary>x = x0 + s(t) z with s = first (last / first)^t: Song et al. (2011.13456), equation 9.</summary>
    public static ContinuousProcess VarianceExploding(double first = 0.01, double last = 50) => new(_ => 1, t => first * Math.Pow(last / first, t));

    /// <summary>The limit of DDPM: Song et al. (2011.13456), equation 11, with beta rising evenly.</summary>
    public static ContinuousProcess VariancePreserving(double first = 0.1, double last = 20) =>
        new(t => Math.Exp(LogMean(t, first, last)), t => Math.Sqrt(-double.ExpM1(2 * LogMean(t, first, last))));

    /// <summary>The same drift with less noise: Song et al. (2011.13456), equation 12.</summary>
    public static ContinuousProcess SubVariancePreserving(double first = 0.1, double last = 20) =>
        new(t => Math.Exp(LogMean(t, first, last)), t => -double.ExpM1(2 * LogMean(t, first, last)));

    /// <summary>x = (1 - t) x0 + t z: rectified flow (2209.03003), with noise at t = 1.</summary>
    public static ContinuousProcess Flow() => new(t => 1 - t, t => t);

    private static double LogMean(double t, double first, double last) => -((last - first) * t * t / 4) - (first * t / 2);
}
