using System.Globalization;
using System.Numerics;

namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>Draws samples: a list of sigmas, and a <see cref="SamplerStep{T}"/> from each to the next. Allocates nothing once a batch size has been seen.</summary>
public class DiffusionSampler<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly IDenoiser<T> _model;
    private readonly double[] _sigmas;
    private readonly SamplerStep<T> _step;
    private StepHistory<T> _history = new(0);
    private AdaptiveSteps<T>? _adaptive;
    private long _lastEvaluations;

    /// <summary>A sampler.</summary>
    /// <param name="model">The denoiser.</param>
    /// <param name="options">What a step does.</param>
    /// <param name="sigmas">Noise levels, falling, the first above 0; the last is 0 for clean samples.</param>
    /// <exception cref="ArgumentException">Sigmas that do not fall, or options that make no sense together.</exception>
    public DiffusionSampler(IDenoiser<T> model, SamplerOptions options, IReadOnlyList<double> sigmas)
    {
        if (sigmas.Count < 2)
        {
            throw new ArgumentException($"A sampler needs at least two sigmas, for one step; it got {sigmas.Count}.", nameof(sigmas));
        }

        for (var i = 0; i < sigmas.Count; i++)
        {
            if (!double.IsFinite(sigmas[i]) || sigmas[i] < 0 || (i > 0 && sigmas[i] >= sigmas[i - 1]))
            {
                throw new ArgumentException(
                    string.Create(CultureInfo.InvariantCulture, $"Sigmas must fall and not be negative; number {i} is {sigmas[i]}")
                    + (i > 0 ? string.Create(CultureInfo.InvariantCulture, $" after {sigmas[i - 1]}.") : "."), nameof(sigmas));
            }
        }

        (_model, _sigmas, Options) = (model, [.. sigmas], options);
        _step = new SamplerStep<T>(model, options, _sigmas.Length - 1);
    }

    /// <summary>What a step does.</summary>
    public SamplerOptions Options { get; }

    /// <summary>Noise levels, falling.</summary>
    public IReadOnlyList<double> Sigmas => _sigmas;

    /// <summary>The number of coordinates of a sample.</summary>
    public int Dimensions => _model.Dimensions;

    /// <summary>How often the model is evaluated for a batch; of adaptive steps, how often it was for the last batch.</summary>
    public int Evaluations => Options.Method == SamplerMethod.Adaptive ? (int)_lastEvaluations : PlannedEvaluations;

    private int PlannedEvaluations => ((_sigmas.Length - 1) * Options.EvaluationsPerStep
        - (_sigmas[^1] == 0 ? Options.EvaluationsPerStep - 1 - (Options.Corrector?.Steps ?? 0) : 0))
        + (Options.Method == SamplerMethod.Pndm ? 3 * Math.Min(StepHistory<T>.Most, _sigmas.Length - (_sigmas[^1] == 0 ? 2 : 1)) : 0);

    /// <summary>Draws samples from noise.</summary>
    /// <param name="samples">[N, d].</param>
    /// <param name="seed">Sample i of a seed is the same in every batch.</param>
    /// <param name="firstSample">The number of the first sample.</param>
    /// <param name="afterStep">Gets the number of each step, from 1, the sigma that it reached, and the batch.</param>
    public void Sample(Span<T> samples, ulong seed, long firstSample = 0, StepObserver<T>? afterStep = null)
    {
        SamplerNoise.Fill(samples, _model.Dimensions, seed, firstSample, double.PositiveInfinity, _sigmas[0], NoisePurpose.Start);
        Combination.Update<T>(samples, _sigmas[0], 0, samples);
        Continue(samples, seed, firstSample, afterStep);
    }

    /// <summary>Goes on from a batch at the first sigma, such as data with noise added.</summary>
    /// <param name="y">[N, d] at the first sigma; becomes the samples.</param>
    /// <param name="seed">The seed of new noise.</param>
    /// <param name="firstSample">The number of the first sample.</param>
    /// <param name="afterStep">Gets the number of each step, from 1, the sigma that it reached, and the batch.</param>
    public void Continue(Span<T> y, ulong seed, long firstSample = 0, StepObserver<T>? afterStep = null)
    {
        if (y.Length == 0 || y.Length % _model.Dimensions != 0)
        {
            throw new ArgumentException($"{y.Length} numbers are not a batch of samples of {_model.Dimensions} dimensions.", nameof(y));
        }

        if (Options.Method == SamplerMethod.Adaptive)
        {
            ContinueAdaptively(y, afterStep);
            return;
        }

        if (_history.Length != y.Length)
        {
            _history = new StepHistory<T>(y.Length);
        }

        _history.Clear();
        (_step.Seed, _step.FirstSample) = (seed, firstSample);
        for (var i = 0; i + 1 < _sigmas.Length; i++)
        {
            _step.Run(y, _sigmas[i], _sigmas[i + 1], _history);
            afterStep?.Invoke(i + 1, _sigmas[i + 1], y);
        }
    }

    // From the first sigma to the last, whatever lies between; to 0 by way of the last but one.
    private void ContinueAdaptively(Span<T> y, StepObserver<T>? afterStep)
    {
        if (_adaptive is null || _adaptive.Length != y.Length)
        {
            _adaptive = new AdaptiveSteps<T>(_model, Options, y.Length);
        }

        var before = _adaptive.Evaluations;
        var last = _sigmas[^1] == 0 ? _sigmas[^2] : _sigmas[^1];
        var steps = _adaptive.Run(y, _sigmas[0], last, afterStep);
        _lastEvaluations = _adaptive.Evaluations - before;
        if (_sigmas[^1] == 0)
        {
            _model.Denoise(y, last, _adaptive.Scratch);
            _adaptive.Scratch.CopyTo(y);
            _lastEvaluations++;
            afterStep?.Invoke(steps + 1, 0, y);
        }
    }
}

/// <summary>Sees a batch after a step.</summary>
/// <param name="step">Counted from 1.</param>
/// <param name="sigma">The sigma that it reached.</param>
/// <param name="batch">[N, d].</param>
public delegate void StepObserver<T>(int step, double sigma, ReadOnlySpan<T> batch);
