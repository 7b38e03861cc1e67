using System.Globalization;
using System.Numerics;
using Mdl.Runtime.Diffusion.Sampling;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.Runtime.Diffusion;

/// <summary>
/// The logarithm of the density that a denoiser gives to samples, through the ordinary differential equation dy/dsigma = (y - D) / sigma of the probability flow (Song et
/// al., 2011.13456, section 4.3): along it, d log p / d log sigma = tr(dD/dy) - d. It is followed by the classic method of Runge and Kutta in log sigma from the least
/// noise to the most, where the law is taken for N(0, sigma^2 I).
/// </summary>
public sealed class LogLikelihood<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly IDifferentiableDenoiser<T> _model;
    private readonly double _from;
    private readonly double _to;
    private readonly int _steps;
    private readonly int _probes;

    /// <summary>A way to compute likelihoods.</summary>
    /// <param name="model">The denoiser.</param>
    /// <param name="from">The least sigma: the density is that of the data with this noise.</param>
    /// <param name="to">The largest sigma, many times the data: their mean beside it, and the square of their deviation, are errors of the result.</param>
    /// <param name="steps">Steps, of four evaluations each.</param>
    /// <param name="probes">Random directions for the trace (Hutchinson's estimate, unbiased), or 0 for the exact trace, which takes as many evaluations as there are dimensions.</param>
    /// <exception cref="ArgumentException">Numbers that make no sense.</exception>
    public LogLikelihood(IDifferentiableDenoiser<T> model, double from = 0.002, double to = 80, int steps = 64, int probes = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (!(from > 0 && to > from && double.IsFinite(to)) || steps < 1 || probes < 0)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"Likelihoods need levels above 0 that rise, at least one step and 0 or more probes, not {from} to {to}, {steps} and {probes}."), nameof(from));
        }

        (_model, _from, _to, _steps, _probes) = (model, from, to, steps, probes);
    }

    /// <summary>The log-densities of samples, in nats.</summary>
    /// <param name="samples">[N, d]; a density at noise <c>from</c> asks for samples with such noise, though for little noise it makes no difference.</param>
    /// <param name="logLikelihood">[N].</param>
    /// <param name="seed">Of the probes; those of sample i are the same in any batch.</param>
    /// <exception cref="ArgumentException">Lengths that do not fit.</exception>
    public void Evaluate(ReadOnlySpan<T> samples, Span<double> logLikelihood, ulong seed = 0)
    {
        var d = _model.Dimensions;
        if (samples.Length != (long)logLikelihood.Length * d)
        {
            throw new ArgumentException($"{samples.Length} numbers are not {logLikelihood.Length} samples of {d} dimensions.", nameof(samples));
        }

        var (y, probe, slopes, work) = (samples.ToArray(), Probes(samples.Length, seed), new T[4][], new T[samples.Length]);
        var traces = new double[4][];
        for (var i = 0; i < 4; i++)
        {
            (slopes[i], traces[i]) = (new T[samples.Length], new double[logLikelihood.Length]);
        }

        logLikelihood.Clear();
        var h = Math.Log(_to / _from) / _steps;
        for (var step = 0; step < _steps; step++)
        {
            var sigma = _from * Math.Exp(step * h);
            Slope(y, sigma, probe, slopes[0], traces[0]);
            Combination.Update<T>(work, 0, 1, y, h / 2, slopes[0]);
            Slope(work, sigma * Math.Exp(h / 2), probe, slopes[1], traces[1]);
            Combination.Update<T>(work, 0, 1, y, h / 2, slopes[1]);
            Slope(work, sigma * Math.Exp(h / 2), probe, slopes[2], traces[2]);
            Combination.Update<T>(work, 0, 1, y, h, slopes[2]);
            Slope(work, sigma * Math.Exp(h), probe, slopes[3], traces[3]);
            Combination.Set<T>(y, 1, y, h / 6, slopes[0], h / 3, slopes[1], h / 3, slopes[2], h / 6, slopes[3]);
            for (var i = 0; i < logLikelihood.Length; i++)
            {
                // log p at the least noise is what it is at the most, plus all that was lost on the way.
                logLikelihood[i] += h * (d - ((traces[0][i] + (2 * traces[1][i]) + (2 * traces[2][i]) + traces[3][i]) / 6));
            }
        }

        for (var i = 0; i < logLikelihood.Length; i++)
        {
            var square = 0.0;
            foreach (var x in y.AsSpan(i * d, d))
            {
                square += Math.Pow(double.CreateTruncating(x), 2);
            }

            logLikelihood[i] -= (square / (2 * _to * _to)) + (d / 2.0 * Math.Log(2 * Math.PI * _to * _to));
        }
    }

    // dy / d log sigma = y - D, and the trace of dD/dy.
    private void Slope(T[] y, double sigma, T[][] probes, T[] slope, double[] traces)
    {
        var d = _model.Dimensions;
        var pulled = new T[y.Length];
        Array.Clear(traces);
        foreach (var probe in probes)
        {
            _model.Pull(y, sigma, probe, slope, pulled);
            for (var i = 0; i < y.Length; i++)
            {
                traces[i / d] += double.CreateTruncating(probe[i] * pulled[i]) / (_probes == 0 ? 1 : _probes);
            }
        }

        Combination.Update(slope.AsSpan(), -1, 1, y);
    }

    // The axes, or random signs.
    private T[][] Probes(int length, ulong seed)
    {
        var d = _model.Dimensions;
        var probes = new T[_probes == 0 ? d : _probes][];
        for (var k = 0; k < probes.Length; k++)
        {
            probes[k] = new T[length];
            for (var i = 0; i < length; i++)
            {
                var sign = (new Philox(seed, (ulong)(i / d)).UInt64((ulong)(((long)k * d) + (i % d))) & 1) == 0;
                probes[k][i] = _probes == 0 ? (i % d == k ? T.One : T.Zero) : sign ? T.One : -T.One;
            }
        }

        return probes;
    }
}
