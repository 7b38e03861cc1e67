using System.Globalization;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;
using Mdl.Runtime.Models;
using Mdl.Runtime.Profiling;

namespace Mdl.Runtime.Training;

/// <summary>
/// Trains a language model with AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019): the global norm of the gradient is
/// clipped, decay applies to parameters of two and more dimensions only, and states advance after the update. Steps allocate nothing, and
/// the same tokens give the same bits whatever the number of threads.
/// </summary>
public sealed unsafe class Trainer : IDisposable
{
    private const string StepKey = "step";
    private readonly LanguageModel _model;
    private readonly TrainSettings _settings;
    private readonly LearningRateSchedule _schedule;
    private readonly TrainingProgram _program;
    private readonly DeviceBuffer _moments;
    private readonly float[] _metrics;
    private readonly LossReader _losses;
    private readonly UpdateRange[] _ranges;
    private LaunchInfo[]? _launches;

    /// <summary>Prepares programs and memory for batches of one size; the moments are zero.</summary>
    /// <param name="model">The model to train; it stays the caller's.</param>
    /// <param name="options">Batch, length and steps.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public Trainer(LanguageModel model, TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if ((long)options.Batch * (options.Length + 1L + model.Info.MtpDepth) > Array.MaxLength)
        {
            throw new ArgumentException($"Batch x Length is {options.Batch} x {options.Length}; a batch must have fewer than 2^31 tokens.");
        }

        _model = model;
        _settings = options.Settings ?? model.Info.Train;
        TrainingOptions.Validate(_settings);
        _schedule = new LearningRateSchedule(_settings, options.Steps);
        _losses = new LossReader(model.Info);
        _ranges = UpdateRange.Of(model.Info);
        _program = model.CreateTrainingProgram(options.Batch, options.Length);
        _moments = model.Device.Allocate(checked(2 * model.Info.TrainableSize));
        _metrics = new float[_program.Metrics.Length];
    }

    /// <summary>Steps done so far, those before a resumed checkpoint included.</summary>
    public long StepsDone { get; private set; }

    /// <summary>Tokens in one sequence of a batch: length + 1 + MtpDepth.</summary>
    public int TokensPerSequence => _program.Length + 1 + _model.Info.MtpDepth;

    /// <summary>Tokens in a batch; <see cref="Step(ReadOnlySpan{int})"/> takes them as [Batch, TokensPerSequence].</summary>
    public int TokensPerBatch => _program.Batch * TokensPerSequence;

    /// <summary>Bytes of activations, gradients and moments; the weights come on top.</summary>
    public long MemoryBytes => _program.ArenaBytes + _moments.Bytes;

    /// <summary>Everything the last step measured, laid out by <see cref="ModelInfo.Metrics"/>.</summary>
    public ReadOnlySpan<float> Metrics => _metrics;

    private float* FirstMoments => _moments.Host;

    private float* SecondMoments => FirstMoments + _model.Info.TrainableSize;

    /// <summary>The expert loads of the last step, [Rows, Columns]: one row a layer, one column an expert.</summary>
    public ReadOnlySpan<float> Loads(MetricInfo metric)
    {
        ArgumentNullException.ThrowIfNull(metric);
        return _metrics.AsSpan(metric.Offset, metric.Rows * metric.Columns);
    }

    /// <summary>One update of the weights.</summary>
    /// <param name="tokens">[Batch, TokensPerSequence], each from 0 to Vocabulary - 1.</param>
    /// <exception cref="ArgumentException">There are more or fewer tokens, or one is outside the vocabulary.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is not finite; weights, moments and states are unchanged.</exception>
    public StepResult Step(ReadOnlySpan<int> tokens) => Step(tokens, []);

    /// <summary>One update of the weights with a loss in which each token counts by its weight as a target.</summary>
    /// <param name="tokens">[Batch, TokensPerSequence], each from 0 to Vocabulary - 1.</param>
    /// <param name="targetWeights">
    /// [Batch, TokensPerSequence]: 0 for a token that is not to be learnt, such as one of a prompt or padding, and 1 for one that is. Losses are means over
    /// max(1, sum of weights); those of multi-token prediction weigh the same tokens. Empty for 1 everywhere.
    /// </param>
    /// <exception cref="ArgumentException">
    /// There are more or fewer tokens or weights, a token is outside the vocabulary, a weight is negative or not finite, or the model is compiled without <c>masked</c>.
    /// </exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is not finite; weights, moments and states are unchanged.</exception>
    public StepResult Step(ReadOnlySpan<int> tokens, ReadOnlySpan<float> targetWeights)
    {
        var profiler = _model.Device.Profiler;
        profiler?.BeginStep();
        var profile = profiler?.Enter(this, "Trainer", _launches ??= TrainerLaunches.Of(_model.Info));
        profile?.Begin(TrainerLaunches.Tokens);
        SetTokens(tokens, targetWeights);
        profile?.End();
        var step = StepsDone + 1;
        _program.Forward();
        profile?.Begin(TrainerLaunches.Losses);
        _program.Metrics.CopyTo(_metrics);
        var losses = _losses.Read(_metrics);
        profile?.End();
        ThrowIfNotFinite(step, "loss", losses.Loss);

        _program.Backward();
        profile?.Begin(TrainerLaunches.Norm);
        var norm = Math.Sqrt(_program.SquaredGradientNorm(_model));
        ThrowIfNotFinite(step, "gradient norm", norm);

        profile?.Begin(TrainerLaunches.Update);
        var rate = _schedule.At(step);
        Update(step, rate, norm);
        profile?.Begin(TrainerLaunches.States);
        _program.CommitStates();
        profile?.End();
        profiler?.EndStep();
        StepsDone = step;
        return new StepResult(step, losses, norm, rate);
    }

    /// <summary>The losses of a batch; neither weights nor states nor <see cref="Metrics"/> change.</summary>
    /// <param name="tokens">[Batch, TokensPerSequence], each from 0 to Vocabulary - 1.</param>
    /// <exception cref="ArgumentException">There are more or fewer tokens, or one is outside the vocabulary.</exception>
    public Losses Evaluate(ReadOnlySpan<int> tokens) => Evaluate(tokens, []);

    /// <summary>The losses of a batch in which each token counts by its weight as a target; neither weights nor states nor <see cref="Metrics"/> change.</summary>
    /// <param name="tokens">[Batch, TokensPerSequence], each from 0 to Vocabulary - 1.</param>
    /// <param name="targetWeights">As in <see cref="Step(ReadOnlySpan{int}, ReadOnlySpan{float})"/>.</param>
    /// <exception cref="ArgumentException">As in <see cref="Step(ReadOnlySpan{int}, ReadOnlySpan{float})"/>.</exception>
    public Losses Evaluate(ReadOnlySpan<int> tokens, ReadOnlySpan<float> targetWeights)
    {
        SetTokens(tokens, targetWeights);
        _program.Forward();
        return _losses.Read(_program.Metrics);
    }

    /// <summary>
    /// Writes weights, moments and the number of steps, atomically. Of a model with adapters only these are written: all else is as it was loaded, and must be
    /// loaded again before <see cref="Load"/>.
    /// </summary>
    /// <param name="path">The file; it is replaced as a whole or not at all.</param>
    /// <param name="metadata">Strings to store with them, such as the seed of the data; <c>model</c> and <c>step</c> are set here.</param>
    public void Save(string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var writer = new SafetensorsWriter();
        foreach (var (key, value) in metadata ?? new Dictionary<string, string>())
        {
            writer.SetMetadata(key, value);
        }

        writer.SetMetadata(Checkpoint.ModelKey, _model.Info.Name);
        writer.SetMetadata(StepKey, StepsDone.ToString(CultureInfo.InvariantCulture));
        Everything().AddTo(writer);
        writer.Save(path);
    }

    /// <summary>Continues from a file that <see cref="Save"/> wrote: the next steps give the same bits as without the interruption.</summary>
    /// <returns>The file's metadata.</returns>
    /// <exception cref="SafetensorsException">The file is damaged or does not fit; nothing has changed then.</exception>
    public IReadOnlyDictionary<string, string> Load(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var hasStep = file.Metadata.TryGetValue(StepKey, out var text);
        if (!hasStep || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var step))
        {
            throw new SafetensorsException($"{path}: not a training checkpoint: its metadata has no valid \"{StepKey}\".");
        }

        Everything().Fill(file, _model.Info.Name, _ => false);
        StepsDone = step;
        return file.Metadata;
    }

    /// <summary>Frees programs and moments; the model stays.</summary>
    public void Dispose()
    {
        _program.Dispose();
        _moments.Dispose();
    }

    private static void ThrowIfNotFinite(long step, string quantity, double value)
    {
        if (!double.IsFinite(value))
        {
            throw new TrainingDivergedException(step, quantity, value);
        }
    }

    private void SetTokens(ReadOnlySpan<int> tokens, ReadOnlySpan<float> targetWeights)
    {
        if (tokens.Length != TokensPerBatch)
        {
            throw new ArgumentException(
                $"A batch has {_program.Batch} x {TokensPerSequence} = {TokensPerBatch} tokens, not {tokens.Length}.", nameof(tokens));
        }

        TokenRange.Check(tokens, _model.Info.Vocabulary);
        SetTargetWeights(targetWeights);
        tokens.CopyTo(new Span<int>(_program.Tokens, tokens.Length));
    }

    private void SetTargetWeights(ReadOnlySpan<float> weights)
    {
        if (weights.IsEmpty)
        {
            if (_model.Info.IsMasked)
            {
                new Span<float>(_program.TargetWeights, TokensPerBatch).Fill(1);
            }

            return;
        }

        if (!_model.Info.IsMasked)
        {
            throw new ArgumentException(
                $"{_model.Info.Name} is compiled without weights of targets; its first train declaration needs `objective next_token(masked);`.", nameof(weights));
        }

        if (weights.Length != TokensPerBatch)
        {
            throw new ArgumentException($"A batch has {TokensPerBatch} weights, one for each token, not {weights.Length}.", nameof(weights));
        }

        var wrong = weights.IndexOfAnyExceptInRange(0, float.MaxValue);
        if (wrong >= 0)
        {
            throw new ArgumentException(
                $"Weight {wrong} is {weights[wrong].ToString(CultureInfo.InvariantCulture)}; weights of targets are finite and not negative.", nameof(weights));
        }

        weights.CopyTo(new Span<float>(_program.TargetWeights, weights.Length));
    }

    private void Update(long step, double rate, double norm)
    {
        foreach (var range in _ranges)
        {
            var update = _settings.Update(step, rate, norm, range.Decays);
            _program.Update(_model, _moments, range.Begin, range.Count, update);
        }
    }

    private TensorSet Everything()
    {
        var trainable = _model.Info.Parameters.Where(p => p.IsTrained);
        var tensors = new TensorSet();
        tensors.Add("", _model.Info.Adapters.Count > 0 ? trainable : _model.Info.Parameters, _model.TrainedWeights);
        tensors.Add(Checkpoint.OptimizerPrefix + "m.", trainable, FirstMoments);
        tensors.Add(Checkpoint.OptimizerPrefix + "v.", trainable, SecondMoments);
        return tensors;
    }
}
