using System.Numerics;

namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>Tolerances of steps that find their own length: the defaults of k-diffusion's.</summary>
/// <param name="Relative">Of the larger of two neighbouring states.</param>
/// <param name="Absolute">In the unit of the data.</param>
/// <param name="FirstStep">In log sigma.</param>
public readonly record struct StepTolerance(double Relative = 0.05, double Absolute = 0.0078, double FirstStep = 0.05)
{
    /// <summary>The defaults.</summary>
    public static StepTolerance Default => new(0.05);
}

/// <summary>
/// DPM-Solver-12 and -23 (Lu et al., 2206.00927, algorithms 1 to 3 and appendix C): a step of lower order inside one of higher order measures the error, and the length of the next
/// step follows from it. All samples of a batch share their steps: the error is the root of its mean square over the batch, so a sample depends on its batch by as
/// much as the tolerance.
/// </summary>
internal sealed class AdaptiveSteps<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const double Safety = 0.81;

    // A step that has shrunk to this has met something that is no number.
    private const double LeastStep = 1e-10;

    private readonly IDenoiser<T> _model;
    private readonly StepTolerance _tolerance;
    private readonly int _order;
    private readonly T[] _slope;
    private readonly T[] _first;
    private readonly T[] _second;
    private readonly T[] _low;
    private readonly T[] _high;
    private readonly T[] _last;

    public AdaptiveSteps(IDenoiser<T> model, SamplerOptions options, int length)
    {
        (_model, _tolerance, _order) = (model, options.Tolerance, options.Order);
        (_slope, _first, _second) = (new T[length], new T[length], new T[length]);
        (_low, _high, _last) = (new T[length], new T[length], new T[length]);
    }

    /// <summary>How often the model has been evaluated.</summary>
    public long Evaluations { get; private set; }

    public int Length => _slope.Length;

    /// <summary>Memory for a batch between runs.</summary>
    public Span<T> Scratch => _second;

    /// <summary>Takes a batch from a sigma to another above 0, and returns the number of steps.</summary>
    /// <exception cref="ArithmeticException">No step is short enough: the model gives what is no number.</exception>
    public int Run(Span<T> y, double from, double to, StepObserver<T>? afterStep)
    {
        var (sigma, h) = (from, _tolerance.FirstStep);
        y.CopyTo(_last);
        var step = 0;
        while (sigma > to)
        {
            var next = Math.Max(to, sigma * Math.Exp(-h));
            Try(y, sigma, next);
            var factor = 1 + Math.Atan(Math.Pow(1 / (Error() + 1e-8), 1.0 / _order) - 1);
            h *= factor;
            if (factor >= Safety)
            {
                _low.CopyTo(_last, 0);
                _high.CopyTo(y);
                sigma = next;
                step++;
                afterStep?.Invoke(step, sigma, y);
            }
            else if (!(h > LeastStep))
            {
                throw new ArithmeticException(string.Create(
                    System.Globalization.CultureInfo.InvariantCulture, $"Steps from sigma {sigma} have shrunk to nothing: the model's denoised points are no numbers, or jump."));
            }
        }

        return step;
    }

    // Both orders from the same evaluations.
    private void Try(ReadOnlySpan<T> y, double sigma, double next)
    {
        var h = Math.Log(sigma / next);
        Slope(y, sigma, _slope);
        if (_order == 2)
        {
            Combination.Set<T>(_low, 1, y, -next * double.ExpM1(h), _slope, 0, y, 0, y, 0, y);
            Second(y, sigma, next, h, 0.5, _high);
            return;
        }

        Second(y, sigma, next, h, 1 / 3.0, _low);

        // The slope at a third is in _first now.
        const double Share = 2 / 3.0;
        var at = sigma * Math.Exp(-Share * h);
        var part = double.ExpM1(Share * h);
        var curve = -at * 2 * ((part / (Share * h)) - 1);
        Combination.Set<T>(_second, 1, y, (-at * part) - curve, _slope, curve, _first, 0, y, 0, y);
        Slope(_second, at, _high);
        curve = -next / Share * ((double.ExpM1(h) / h) - 1);
        Combination.Set<T>(_high, 1, y, (-next * double.ExpM1(h)) - curve, _slope, curve, _high, 0, y, 0, y);
    }

    private void Second(ReadOnlySpan<T> y, double sigma, double next, double h, double share, Span<T> result)
    {
        var at = sigma * Math.Exp(-share * h);
        Combination.Set<T>(_second, 1, y, -at * double.ExpM1(share * h), _slope, 0, y, 0, y, 0, y);
        Slope(_second, at, _first);
        var all = -next * double.ExpM1(h);
        var curve = all / (2 * share);
        Combination.Set<T>(result, 1, y, all - curve, _slope, curve, _first, 0, y, 0, y);
    }

    private void Slope(ReadOnlySpan<T> y, double sigma, Span<T> slope)
    {
        _model.Denoise(y, sigma, slope);
        Evaluations++;
        Combination.Update(slope, -1 / sigma, 1 / sigma, y);
    }

    private double Error()
    {
        var sum = 0.0;
        for (var i = 0; i < _low.Length; i++)
        {
            var (low, high) = (double.CreateTruncating(_low[i]), double.CreateTruncating(_high[i]));
            var scale = Math.Max(_tolerance.Absolute, _tolerance.Relative * Math.Max(Math.Abs(low), Math.Abs(double.CreateTruncating(_last[i]))));
            sum += (low - high) / scale * ((low - high) / scale);
        }

        return Math.Sqrt(sum / _low.Length);
    }
}
