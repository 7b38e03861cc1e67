using Mdl.Runtime.Diffusion.Sampling;

namespace Mdl.Runtime.Diffusion.Networks;

/// <summary>A learned denoiser that is told the class of each sample, and perhaps guided towards it: see <see cref="GuidedDenoiser{T}"/>.</summary>
public sealed class ConditionalDenoiser : IDenoiser<float>
{
    private readonly DiffusionModel _model;
    private readonly GuidedDenoiser<float> _guided;
    private int[] _labels = [];
    private int _count;

    /// <summary>Without labels so far, so of samples of no class.</summary>
    /// <param name="model">A model with a condition.</param>
    /// <param name="weight">w in D_u + w (D_c - D_u); 1 for no guidance.</param>
    /// <param name="from">Below this sigma there is no guidance.</param>
    /// <param name="to">Above this sigma there is no guidance.</param>
    /// <param name="rescale">From 0 to 1, how far the deviation of each sample is drawn back to the unguided one.</param>
    public ConditionalDenoiser(DiffusionModel model, double weight = 1, double from = 0, double to = double.PositiveInfinity, double rescale = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _guided = new GuidedDenoiser<float>(new Labelled(this), model, weight, from, to, rescale);
    }

    /// <inheritdoc/>
    public int Dimensions => _model.Dimensions;

    /// <summary>Sets the class of each sample of the batches to come; none for samples of no class.</summary>
    /// <exception cref="ArgumentException">A label is out of range.</exception>
    public void SetLabels(ReadOnlySpan<int> labels)
    {
        Labels.Check(_model, labels, labels.Length);
        if (_labels.Length < labels.Length)
        {
            _labels = new int[labels.Length];
        }

        labels.CopyTo(_labels);
        _count = labels.Length;
    }

    /// <inheritdoc/>
    public void Denoise(ReadOnlySpan<float> y, double sigma, Span<float> denoised)
    {
        if (_count == 0)
        {
            _model.Denoise(y, sigma, denoised);
        }
        else
        {
            _guided.Denoise(y, sigma, denoised);
        }
    }

    private sealed class Labelled(ConditionalDenoiser owner) : IDenoiser<float>
    {
        public int Dimensions => owner.Dimensions;

        public void Denoise(ReadOnlySpan<float> y, double sigma, Span<float> denoised) => owner._model.Denoise(y, sigma, owner._labels.AsSpan(0, owner._count), denoised);
    }
}

/// <summary>Draws samples of given classes.</summary>
/// <param name="denoiser">The denoiser, which the sampler tells the classes.</param>
/// <param name="options">What a step does.</param>
/// <param name="sigmas">Noise levels, falling.</param>
public class ConditionalSampler(ConditionalDenoiser denoiser, SamplerOptions options, IReadOnlyList<double> sigmas) : DiffusionSampler<float>(denoiser, options, sigmas)
{
    /// <summary>Draws samples of given classes from noise; <see cref="DiffusionSampler{T}.Sample"/> draws samples of no class.</summary>
    /// <param name="samples">[N, d].</param>
    /// <param name="labels">The class of each sample.</param>
    /// <param name="seed">Sample i of a seed and a class is the same in every batch, to rounding.</param>
    /// <param name="firstSample">The number of the first sample.</param>
    /// <param name="afterStep">Gets the number of each step, from 1, the sigma that it reached, and the batch.</param>
    /// <exception cref="ArgumentException">There are more or fewer labels than samples, or one is out of range.</exception>
    public void Sample(Span<float> samples, ReadOnlySpan<int> labels, ulong seed, long firstSample = 0, StepObserver<float>? afterStep = null)
    {
        denoiser.SetLabels(labels);
        try
        {
            Sample(samples, seed, firstSample, afterStep);
        }
        finally
        {
            denoiser.SetLabels([]);
        }
    }
}
