namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>A variance-preserving process of many small steps, x_i = sqrt(abar_i) x0 + sqrt(1 - abar_i) z, as sigmas = sqrt((1 - abar) / abar).</summary>
public sealed class DiscreteProcess
{
    private DiscreteProcess(IEnumerable<double> betas)
    {
        var product = 1.0;
        SignalShares = [.. betas.Select(beta => product *= 1 - beta)];
        Sigmas = [.. SignalShares.Select(a => Math.Sqrt((1 - a) / a))];
    }

    private DiscreteProcess(double[] signalShares)
    {
        SignalShares = signalShares;
        Sigmas = [.. signalShares.Select(a => Math.Sqrt((1 - a) / a))];
    }

    /// <summary>The number of steps.</summary>
    public int Steps => Sigmas.Count;

    /// <summary>abar of each step, falling.</summary>
    public IReadOnlyList<double> SignalShares { get; }

    /// <summary>Of each step, rising.</summary>
    public IReadOnlyList<double> Sigmas { get; }

    /// <summary>Betas rise evenly: DDPM (2006.11239).</summary>
    public static DiscreteProcess Linear(double first = 1e-4, double last = 0.02, int steps = 1000) =>
        new(Enumerable.Range(0, steps).Select(i => first + (i * (last - first) / (steps - 1))));

    /// <summary>Roots of betas rise evenly: latent diffusion (2112.10752).</summary>
    public static DiscreteProcess ScaledLinear(double first = 0.00085, double last = 0.012, int steps = 1000) => new(Enumerable.Range(0, steps).Select(i =>
    {
        var root = Math.Sqrt(first) + (i * (Math.Sqrt(last) - Math.Sqrt(first)) / (steps - 1));
        return root * root;
    }));

    /// <summary>abar falls as a squared cosine: Nichol and Dhariwal (2102.09672).</summary>
    public static DiscreteProcess Cosine(int steps = 1000)
    {
        static double Share(double u) => Math.Pow(Math.Cos((u + 0.008) / 1.008 * Math.PI / 2), 2);
        return new(Enumerable.Range(0, steps).Select(i => Math.Min(0.999, 1 - (Share((i + 1.0) / steps) / Share((double)i / steps)))));
    }

    /// <summary>The same process, stretched so that nothing of the signal is left at the end: Lin et al. (2305.08891), algorithm 1. The last sigma is infinite.</summary>
    public DiscreteProcess WithZeroTerminalSignal()
    {
        var roots = SignalShares.Select(Math.Sqrt).ToArray();
        var (first, last) = (roots[0], roots[^1]);
        return new([.. roots.Select(r => Math.Pow((r - last) * first / (first - last), 2))]);
    }
}
