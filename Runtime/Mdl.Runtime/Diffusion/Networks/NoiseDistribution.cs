using System.Globalization;
using Mdl.Runtime.Diffusion.Sampling;

namespace Mdl.Runtime.Diffusion.Networks;

/// <summary>The law of the noise levels that a network is trained with.</summary>
public sealed class NoiseDistribution
{
    private readonly Func<double, double, double> _sigma;

    private NoiseDistribution(Func<double, double, double> sigma) => _sigma = sigma;

    /// <summary>A level.</summary>
    /// <param name="uniform">A number from 0 to 1.</param>
    /// <param name="normal">A standard normal number.</param>
    public double Sigma(double uniform, double normal) => _sigma(uniform, normal);

    /// <summary>log sigma ~ N(mean, deviation^2): Karras et al. (2206.00364); with a flow, the logit-normal time of Esser et al. (2403.03206).</summary>
    public static NoiseDistribution LogNormal(double mean = -1.2, double deviation = 1.2)
    {
        if (!double.IsFinite(mean) || !(deviation > 0 && double.IsFinite(deviation)))
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"A lognormal law needs a finite mean and a deviation above 0, not {mean} and {deviation}."), nameof(deviation));
        }

        return new((_, normal) => Math.Exp(mean + (deviation * normal)));
    }

    /// <summary>log sigma uniform between two levels.</summary>
    public static NoiseDistribution LogUniform(double from, double to)
    {
        if (!(from > 0 && to > from && double.IsFinite(to)))
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"Levels must be above 0 and rise, not {from} to {to}."), nameof(from));
        }

        return new((uniform, _) => from * Math.Pow(to / from, uniform));
    }

    /// <summary>The levels of a discrete process, each as likely as any other.</summary>
    public static NoiseDistribution Uniform(DiscreteProcess process)
    {
        ArgumentNullException.ThrowIfNull(process);
        var sigmas = process.Sigmas;
        return new((uniform, _) => sigmas[Math.Min((int)(uniform * sigmas.Count), sigmas.Count - 1)]);
    }

    /// <summary>Time uniform from <paramref name="first"/> to <paramref name="last"/>.</summary>
    public static NoiseDistribution Uniform(ContinuousProcess process, double first = 1e-3, double last = 1)
    {
        ArgumentNullException.ThrowIfNull(process);
        return new((uniform, _) => process.Sigma(first + ((last - first) * uniform)));
    }
}
