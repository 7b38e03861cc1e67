using System.Globalization;

namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>Lists of falling sigmas that a sampler steps through.</summary>
public static class NoiseSchedule
{
    /// <summary>Equal steps of sigma^(1/rho): Karras et al. (2206.00364), equation 5.</summary>
    public static double[] Karras(double from, double to, int count, double rho = 7) =>
        Grid(from, to, count, u => Math.Pow(Math.Pow(from, 1 / rho) + (u * (Math.Pow(to, 1 / rho) - Math.Pow(from, 1 / rho))), rho));

    /// <summary>Equal steps of log sigma.</summary>
    public static double[] Geometric(double from, double to, int count) => PolyExponential(from, to, count, 1);

    /// <summary>Equal steps of a power 1/rho of the share of log sigma that is left.</summary>
    public static double[] PolyExponential(double from, double to, int count, double rho) =>
        Grid(from, to, count, u => Math.Exp(Math.Log(to) + (Math.Pow(1 - u, rho) * Math.Log(from / to))));

    /// <summary>Equal steps of sigma.</summary>
    public static double[] Linear(double from, double to, int count) => Grid(from, to, count, u => from + (u * (to - from)));

    /// <summary>Equal steps of the time of a rectified flow, x = (1 - t) x0 + t z, from 1 to 1 / count, each sigma = t / (1 - t) times a shift.</summary>
    /// <param name="count">How many.</param>
    /// <param name="shift">a of t' = a t / (1 + (a - 1) t); SD3 takes 3, Flux e^mu.</param>
    /// <param name="mostSigma">What stands for the infinite sigma of t = 1.</param>
    public static double[] Flow(int count, double shift = 1, double mostSigma = 1e4)
    {
        Check(count, shift, "The shift");
        return [.. Enumerable.Range(0, count).Select(i => i == 0 ? mostSigma : shift * (count - i) / i)];
    }

    /// <summary>The time of a flow after a shift.</summary>
    public static double ShiftedTime(double time, double shift) => shift * time / (1 + ((shift - 1) * time));

    /// <summary>The logarithm of the shift that Flux takes for images of so many tokens.</summary>
    public static double FluxShift(int tokens) => 0.5 + ((1.15 - 0.5) * (tokens - 256) / (4096 - 256));

    /// <summary>The sigmas of some steps of a discrete process, as DDPM's implementations choose them.</summary>
    /// <param name="process">Gives sigma for each of its steps.</param>
    /// <param name="spacing">Which steps.</param>
    /// <param name="count">How many.</param>
    /// <param name="offset">Added to steps with leading spacing.</param>
    public static double[] Indices(DiscreteProcess process, IndexSpacing spacing, int count, int offset = 0)
    {
        Check(count, 1, "");
        var all = process.Steps;
        if (count > all)
        {
            throw new ArgumentException($"A process of {all} steps has no {count} of them.", nameof(count));
        }

        var indices = spacing switch
        {
            IndexSpacing.Linspace => Enumerable.Range(0, count).Select(i => count == 1 ? 0 : (int)Math.Round(i * (all - 1.0) / (count - 1))).Reverse(),
            IndexSpacing.Leading => Enumerable.Range(0, count).Select(i => (i * (all / count)) + offset).Reverse(),
            _ => Enumerable.Range(0, count).Select(i => (int)Math.Round(all - (i * (double)all / count)) - 1),
        };
        return [.. indices.Select(i => process.Sigmas[Math.Min(i, all - 1)])];
    }

    /// <summary>A list with a last sigma 0, at which the denoised point is returned.</summary>
    public static double[] ToZero(IEnumerable<double> sigmas) => [.. sigmas, 0];

    private static double[] Grid(double from, double to, int count, Func<double, double> at)
    {
        Check(count, from, "The first sigma");
        if (!(to > 0 && to < from))
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"Sigmas fall from {from} to something between 0 and that, not to {to}."), nameof(to));
        }

        var sigmas = new double[count];
        for (var i = 0; i < count; i++)
        {
            sigmas[i] = i == 0 ? from : i == count - 1 ? to : at(i / (count - 1.0));
        }

        return sigmas;
    }

    private static void Check(int count, double positive, string what)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (!(positive > 0 && double.IsFinite(positive)))
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{what} must be above 0 and finite, not {positive}."), nameof(positive));
        }
    }
}

/// <summary>Which steps of a discrete process are taken.</summary>
public enum IndexSpacing
{
    /// <summary>From the last down, T / N apart.</summary>
    Trailing,

    /// <summary>From the first up, T / N apart.</summary>
    Leading,

    /// <summary>First and last, and evenly between.</summary>
    Linspace,
}
