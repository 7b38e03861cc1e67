using System.Numerics;

namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>
/// One step of any sampler: a function of (y, sigma, next sigma, history). Formulas follow k-diffusion's in the limit of no guidance, which are those of the papers
/// that <see cref="SamplerMethod"/> names.
/// </summary>
public sealed partial class SamplerStep<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly IDenoiser<T> _model;
    private readonly SamplerOptions _options;
    private readonly double _churn;

    /// <summary>A step with some options.</summary>
    /// <param name="model">The denoiser.</param>
    /// <param name="options">What a step does.</param>
    /// <param name="steps">Of how many, which churn is shared among.</param>
    /// <exception cref="ArgumentException">Options that make no sense together.</exception>
    public SamplerStep(IDenoiser<T> model, SamplerOptions options, int steps)
    {
        if (options.Problem() is { } problem)
        {
            throw new ArgumentException(problem, nameof(options));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        (_model, _options) = (model, options);
        _churn = Math.Min((options.Churn?.Amount ?? 0) / steps, Math.Sqrt(2) - 1);
    }

    /// <summary>The seed of noise.</summary>
    public ulong Seed { get; set; }

    /// <summary>The number of the batch's first sample, which noise depends on.</summary>
    public long FirstSample { get; set; }

    /// <summary>How often the model has been evaluated.</summary>
    public long Evaluations { get; private set; }

    /// <summary>Takes a batch from sigma to the next sigma. At next sigma 0 it becomes the denoised point, whatever the sampler.</summary>
    /// <param name="y">[N, d].</param>
    /// <param name="sigma">Above 0.</param>
    /// <param name="next">Below sigma, 0 or more.</param>
    /// <param name="history">Memory for N d numbers; a new trajectory begins with a cleared one.</param>
    public void Run(Span<T> y, double sigma, double next, StepHistory<T> history)
    {
        if (!(sigma > next && next >= 0 && double.IsFinite(sigma)))
        {
            throw new ArgumentOutOfRangeException(nameof(next), next, $"A step goes from a finite sigma to a smaller one that is not negative, not from {sigma}.");
        }

        if (y.Length != history.Length)
        {
            throw new ArgumentException($"The batch has {y.Length} numbers, its history {history.Length}.", nameof(y));
        }

        Correct(y, sigma, history);
        sigma = AddChurn(y, sigma, history);
        var d = history.Current.AsSpan();
        Denoise(y, sigma, d);
        if (next == 0)
        {
            d.CopyTo(y);
            return;
        }

        if (_options.Method == SamplerMethod.UniPc)
        {
            CorrectLast(y, sigma, history);
        }

        switch (_options.Method)
        {
            case SamplerMethod.Euler:
                Euler(y, sigma, next, history);
                break;
            case SamplerMethod.Heun:
                Heun(y, sigma, next, history);
                break;
            case SamplerMethod.Midpoint:
                Midpoint(y, sigma, next, history);
                break;
            case SamplerMethod.Singlestep:
            case SamplerMethod.StochasticSinglestep:
                Singlestep(y, sigma, next, history);
                break;
            case SamplerMethod.Multistep:
                Multistep(y, sigma, next, history);
                break;
            case SamplerMethod.LinearMultistep:
            case SamplerMethod.LogMultistep:
                LinearMultistep(y, sigma, next, history);
                break;
            case SamplerMethod.Plms:
            case SamplerMethod.Pndm:
                Pseudo(y, sigma, next, history);
                break;
            case SamplerMethod.UniPc:
                UniPc(y, sigma, next, history);
                break;
            case SamplerMethod.Adaptive:
                throw new NotSupportedException("Adaptive steps find their own sigmas: a DiffusionSampler takes them.");
            case SamplerMethod.EulerMaruyama:
                var pull = 1 - (next * next / (sigma * sigma));
                Draw(history.Noise, sigma, next, NoisePurpose.Step);
                Combination.Update(y, 1 - pull, pull, d, _options.NoiseScale * Math.Sqrt((sigma * sigma) - (next * next)), history.Noise);
                break;
            case SamplerMethod.Renoise:
                Draw(history.Noise, sigma, next, NoisePurpose.Step);
                Combination.Update(y, 0, 1, d, _options.NoiseScale * next, history.Noise);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(y), _options.Method, "Unknown method.");
        }

        history.Push(sigma);
    }

    // Next = down^2 + up^2: how far to go, and how much new noise.
    private (double Down, double Up) Ancestral(double sigma, double next)
    {
        var up = Math.Min(next, _options.Eta * next * Math.Sqrt(1 - (next * next / (sigma * sigma))));
        return (Math.Sqrt((next * next) - (up * up)), up);
    }

    private void Euler(Span<T> y, double sigma, double next, StepHistory<T> history)
    {
        var (down, up) = Ancestral(sigma, next);
        if (_options.LargeVariance)
        {
            // beta / abar' with abar = 1 / (1 + sigma^2).
            up = Math.Sqrt(((sigma * sigma) - (next * next)) * (1 + (next * next)) / (1 + (sigma * sigma)));
        }

        Combination.Update(y, down / sigma, 1 - (down / sigma), history.Current, Noise(history, sigma, next, up, NoisePurpose.Step), history.Noise);
    }

    private void Heun(Span<T> y, double sigma, double next, StepHistory<T> history)
    {
        var ratio = next / sigma;
        Combination.Set<T>(history.Work, ratio, y, 1 - ratio, history.Current, 0, y, 0, y, 0, y);
        Denoise(history.Work, next, history.Middle);

        // y + (next - sigma) ((y - D) / sigma + (y1 - D1) / next) / 2.
        var (first, second) = ((next - sigma) / (2 * sigma), (next - sigma) / (2 * next));
        Combination.Set<T>(y, 1 + first, y, -first, history.Current, second, history.Work, -second, history.Middle, 0, y);
    }

    private void Midpoint(Span<T> y, double sigma, double next, StepHistory<T> history)
    {
        var (down, up) = Ancestral(sigma, next);
        if (down == 0)
        {
            Combination.Update(y, 0, 1, history.Current, Noise(history, sigma, next, up, NoisePurpose.Step), history.Noise);
            return;
        }

        var middle = Math.Exp(((1 - _options.Ratio) * Math.Log(sigma)) + (_options.Ratio * Math.Log(down)));
        Combination.Set<T>(history.Work, middle / sigma, y, 1 - (middle / sigma), history.Current, 0, y, 0, y, 0, y);
        Denoise(history.Work, middle, history.Middle);
        var slope = (down - sigma) / middle;
        var noise = Noise(history, sigma, next, up, NoisePurpose.Step);
        Combination.Set<T>(y, 1, y, slope, history.Work, -slope, history.Middle, noise, history.Noise, 0, y);
    }

    // The factor of new noise, which is drawn if there is any.
    private double Noise(StepHistory<T> history, double from, double to, double deviation, NoisePurpose purpose)
    {
        var factor = deviation * _options.NoiseScale;
        if (factor > 0)
        {
            Draw(history.Noise, from, to, purpose);
        }

        return factor;
    }

    private void Draw(Span<T> noise, double from, double to, NoisePurpose purpose, int part = 0) =>
        SamplerNoise.Fill(noise, _model.Dimensions, Seed, FirstSample, from, to, purpose, part);

    private void Denoise(ReadOnlySpan<T> y, double sigma, Span<T> denoised)
    {
        _model.Denoise(y, sigma, denoised);
        Evaluations++;
    }

    private double AddChurn(Span<T> y, double sigma, StepHistory<T> history)
    {
        if (_options.Churn is not { } churn || _churn == 0 || sigma < churn.From || sigma > churn.To)
        {
            return sigma;
        }

        var raised = sigma * (1 + _churn);
        Draw(history.Noise, sigma, raised, NoisePurpose.Churn);
        Combination.Update(y, 1, churn.Scale * Math.Sqrt((raised * raised) - (sigma * sigma)), history.Noise);
        return raised;
    }

    private void Correct(Span<T> y, double sigma, StepHistory<T> history)
    {
        if (_options.Corrector is not { } corrector)
        {
            return;
        }

        var d = _model.Dimensions;
        for (var i = 0; i < corrector.Steps; i++)
        {
            Denoise(y, sigma, history.Middle);
            Draw(history.Noise, sigma, sigma, NoisePurpose.Corrector, i);
            Combination.Set<T>(history.Work, 1 / (sigma * sigma), history.Middle, -1 / (sigma * sigma), y, 0, y, 0, y, 0, y);
            var ratio = corrector.SignalToNoise * MeanNorm(history.Noise, d) / MeanNorm(history.Work, d);
            var step = 2 * ratio * ratio;
            Combination.Update(y, 1, step, history.Work, Math.Sqrt(2 * step), history.Noise);
        }
    }

    private static double MeanNorm(ReadOnlySpan<T> rows, int dimensions)
    {
        var sum = 0.0;
        for (var i = 0; i < rows.Length; i += dimensions)
        {
            var square = 0.0;
            foreach (var value in rows.Slice(i, dimensions))
            {
                square += double.CreateTruncating(value * value);
            }

            sum += Math.Sqrt(square);
        }

        return sum / (rows.Length / dimensions);
    }
}
