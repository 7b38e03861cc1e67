using System.Globalization;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Diffusion.Sampling;
using Mdl.Runtime.Kernels;
using Mdl.Runtime.Models;
using Mdl.Runtime.RandomNumbers;
using Mdl.Runtime.Training;

namespace Mdl.Runtime.Diffusion.Networks;

/// <summary>The size of a batch and the length of a training run.</summary>
public sealed record DiffusionTrainingOptions
{
    /// <summary>Samples in a batch.</summary>
    public int Batch { get; init; } = 256;

    /// <summary>All steps of the run; schedules that decay need them.</summary>
    public long Steps { get; init; } = 1000;

    /// <summary>The seed of noise, noise levels and dropped labels; they depend on it and on the number of the step alone.</summary>
    public ulong Seed { get; init; }

    /// <summary>Optimizer and schedule; the source's train lines if null.</summary>
    public TrainSettings? Settings { get; init; }
}

/// <summary>What one step did.</summary>
/// <param name="Step">Its number, counted from 1.</param>
/// <param name="Loss">What is minimised, before the update.</param>
/// <param name="Denoising">Its main part: the weighted mean squared error.</param>
/// <param name="GradientNorm">The global norm of the gradient before clipping.</param>
/// <param name="LearningRate">The rate of the update.</param>
public readonly record struct DiffusionStepResult(long Step, double Loss, double Denoising, double GradientNorm, double LearningRate);

/// <summary>
/// Trains the network of a diffusion to denoise, with AdamW, and averages its weights. Steps allocate nothing, and the same batches give the same bits whatever
/// the number of threads.
/// </summary>
public abstract unsafe class DiffusionTrainer : IDisposable
{
    private const string StepKey = "step";

    // Elements that are averaged at a time.
    private const long Portion = 1 << 20;
    private readonly DiffusionModel _model;
    private readonly DiffusionModel _average;
    private readonly DiffusionTrainingOptions _options;
    private readonly TrainSettings _settings;
    private readonly LearningRateSchedule _schedule;
    private readonly DenoisingTraining _program;
    private readonly DeviceBuffer _moments;
    private readonly UpdateRange[] _ranges;
    private readonly int _denoising;

    /// <summary>Prepares programs and memory.</summary>
    /// <param name="model">The model to train; it stays the caller's.</param>
    /// <param name="average">Another one of the same class, which will have the averaged weights; it becomes the trainer's.</param>
    /// <param name="options">Batch, steps and seed.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    protected DiffusionTrainer(DiffusionModel model, DiffusionModel average, DiffusionTrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Batch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Steps, 1);
        (_model, _average, _options) = (model, average, options);
        _settings = options.Settings ?? model.Info.Train;
        TrainingOptions.Validate(_settings);
        _schedule = new LearningRateSchedule(_settings, options.Steps);
        _ranges = UpdateRange.Of(model.Info);
        _denoising = model.Info.Metrics.First(m => m.Name == "denoising").Offset;
        _program = model.CreateTraining(options.Batch);
        _moments = model.Device.Allocate(checked(2 * model.Info.TrainableSize));
        Copy(0, model.Info.TotalSize, 0);
    }

    /// <summary>Steps done so far, those before a resumed checkpoint included.</summary>
    public long StepsDone { get; private set; }

    /// <summary>Bytes of activations, gradients, moments and averaged weights; the weights come on top.</summary>
    public long MemoryBytes => _program.Bytes + _moments.Bytes + _average.Store.Bytes;

    /// <summary>Everything the last step measured, laid out by <see cref="ModelInfo.Metrics"/>.</summary>
    public ReadOnlySpan<float> Metrics => _program.Metrics;

    private float* FirstMoments => _moments.Host;

    private float* SecondMoments => FirstMoments + _model.Info.TrainableSize;

    /// <summary>One update of the weights.</summary>
    /// <param name="samples">[Batch, d].</param>
    /// <param name="labels">The class of each, or nothing.</param>
    /// <exception cref="ArgumentException">Lengths, numbers or labels that do not fit.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is not finite; weights, moments and states are unchanged.</exception>
    public DiffusionStepResult Step(ReadOnlySpan<float> samples, ReadOnlySpan<int> labels = default)
    {
        var step = StepsDone + 1;
        SetBatch(samples, labels, StepsDone);
        _program.Forward();
        var loss = _program.Metrics[0];
        ThrowIfNotFinite(step, "loss", loss);
        _program.Backward();
        var norm = Math.Sqrt(Optimizer.SquaredNorm(_model.Device.Team, _program.Gradients, _model.Info.TrainableSize));
        ThrowIfNotFinite(step, "gradient norm", norm);
        var rate = _schedule.At(step);
        Update(step, rate, norm);
        _program.CommitStates();
        Average(step);
        StepsDone = step;
        return new(step, loss, _program.Metrics[_denoising], norm, rate);
    }

    /// <summary>The loss of a batch with the noise of a step; nothing changes.</summary>
    /// <param name="samples">[Batch, d].</param>
    /// <param name="labels">The class of each, or nothing.</param>
    /// <param name="step">Whose noise; a step before the first gives noise that training does not see.</param>
    public double Evaluate(ReadOnlySpan<float> samples, ReadOnlySpan<int> labels = default, long step = -1)
    {
        SetBatch(samples, labels, step);
        _program.Forward();
        return _program.Metrics[0];
    }

    /// <summary>Writes weights, averaged weights, moments and the number of steps, atomically. The file loads as a model, too.</summary>
    public void Save(string path)
    {
        var writer = new SafetensorsWriter();
        writer.SetMetadata(Checkpoint.ModelKey, _model.Info.Name);
        writer.SetMetadata(StepKey, StepsDone.ToString(CultureInfo.InvariantCulture));
        Everything().AddTo(writer);
        writer.Save(path);
    }

    /// <summary>Continues from a file of <see cref="Save"/>: with the same options, the next steps give the same bits as without the interruption.</summary>
    /// <exception cref="SafetensorsException">The file is damaged or does not fit; nothing has changed then.</exception>
    public void Load(string path)
    {
        using var file = SafetensorsFile.Open(path);
        if (!file.Metadata.TryGetValue(StepKey, out var text) || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var step))
        {
            throw new SafetensorsException($"{path}: not a training checkpoint: its metadata has no valid \"{StepKey}\".");
        }

        Everything().Fill(file, _model.Info.Name, _ => false);
        StepsDone = step;
    }

    /// <summary>Frees programs, moments and the averaged model; the trained model stays.</summary>
    public void Dispose()
    {
        _program.Dispose();
        _moments.Dispose();
        _average.Dispose();
        GC.SuppressFinalize(this);
    }

    private static void ThrowIfNotFinite(long step, string quantity, double value)
    {
        if (!double.IsFinite(value))
        {
            throw new TrainingDivergedException(step, quantity, value);
        }
    }

    private void SetBatch(ReadOnlySpan<float> samples, ReadOnlySpan<int> labels, long step)
    {
        var (batch, d) = (_program.Batch, _model.Dimensions);
        if (samples.Length != (long)batch * d)
        {
            throw new ArgumentException($"A batch has {batch} x {d} numbers, not {samples.Length}.", nameof(samples));
        }

        var wrong = samples.IndexOfAnyExceptInRange(float.MinValue, float.MaxValue);
        if (wrong >= 0)
        {
            throw new ArgumentException($"Sample {wrong / d} has {samples[wrong].ToString(CultureInfo.InvariantCulture)} at coordinate {wrong % d}.", nameof(samples));
        }

        Labels.Check(_model, labels, batch);
        samples.CopyTo(new Span<float>(_program.Clean, samples.Length));
        Span<float> normal = stackalloc float[4];
        for (var i = 0; i < batch; i++)
        {
            // One stream for the noise of a sample, one for all else.
            var number = 2 * (ulong)((step * batch) + i);
            Normal.Fill(new Philox(_options.Seed, number), 0, 1, new Span<float>(_program.Noise + ((long)i * d), d));
            var others = new Philox(_options.Seed, number + 1);
            Normal.Fill(others, 0, 1, normal);
            _program.Sigma[i] = (float)_model.Diffusion.Noise.Sigma(others.Double(2), normal[0]);
            if (_model.Diffusion.Classes > 0)
            {
                _program.Label[i] = labels.IsEmpty || others.Double(3) < _model.Diffusion.Drop ? _model.Diffusion.Classes : labels[i];
            }
        }
    }

    private void Update(long step, double rate, double norm)
    {
        foreach (var range in _ranges)
        {
            var update = _settings.Update(step, rate, norm, range.Decays);
            Optimizer.AdamW(_model.Device.Team, _model.Weights, _program.Gradients, FirstMoments, SecondMoments, range.Begin, range.Count, update, zeroGradient: false);
        }
    }

    // The decay grows with the number of steps, so that the first weights are soon forgotten: (1 + t) / (10 + t), up to the source's. States are taken as they are.
    private void Average(long step)
    {
        var decay = Math.Min(_model.Diffusion.Average, (1.0 + step) / (10 + step));
        Copy(0, _model.Info.TrainableSize, decay);
        Copy(_model.Info.TrainableSize, _model.Info.TotalSize, 0);
    }

    private void Copy(long from, long to, double keep)
    {
        for (var begin = from; begin < to; begin += Portion)
        {
            var count = (int)Math.Min(Portion, to - begin);
            Combination.Update(new Span<float>(_average.Weights + begin, count), keep, 1 - keep, new ReadOnlySpan<float>(_model.Weights + begin, count));
        }
    }

    private TensorSet Everything()
    {
        var trainable = _model.Info.Parameters.Where(p => p.IsTrained).ToArray();
        var tensors = _model.Tensors("");
        tensors.Add(Checkpoint.OptimizerPrefix + "average.", _model.Info.Parameters, _average.Weights);
        tensors.Add(Checkpoint.OptimizerPrefix + "m.", trainable, FirstMoments);
        tensors.Add(Checkpoint.OptimizerPrefix + "v.", trainable, SecondMoments);
        return tensors;
    }
}
