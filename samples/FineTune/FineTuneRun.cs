using System.Globalization;
using Ling.FineTune.Data;
using Ling.FineTune.Progress;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;
using Mdl.Runtime.Training;

namespace Ling.FineTune;

/// <summary>One run of the program: data, model and trainer, from the answer before to the answer after.</summary>
public sealed class FineTuneRun : IDisposable
{
    private readonly FineTuneOptions _options;
    private readonly RunSettings _settings;
    private readonly IExampleText _text;
    private readonly Dataset _data;
    private readonly Device _device;
    private readonly LanguageModel _model;
    private readonly Trainer _trainer;
    private readonly Batches _batches;
    private readonly IProgressView _view;

    private FineTuneRun(FineTuneOptions options, RunSettings settings, IExampleText text, Dataset data, Device device, LanguageModel model, Trainer trainer)
    {
        (_options, _settings, _text, _data, _device, _model, _trainer) = (options, settings, text, data, device, model, trainer);
        _batches = new Batches(data, settings.Seed, settings.Batch, trainer.TokensPerSequence);
        _view = IProgressView.Create(options.Quiet);
    }

    /// <summary>Loads and checks everything; writes nothing.</summary>
    public static FineTuneRun Prepare(FineTuneOptions options)
    {
        var settings = RunSettings.Of(options);
        IExampleText text = settings.Model is { } folder && File.Exists(Path.Combine(folder, "tokenizer.json"))
            ? new TemplateText(folder, options.System, options.ForceTemplate)
            : new ByteText(options.System);

        // Before the weights: reading them can take minutes.
        var data = DataLoader.Load(settings.Data, text, settings.Length, options.Prompt);
        var device = new Device(options.Threads ?? Environment.ProcessorCount);
        LanguageModel? model = null;
        try
        {
            model = ModelFactory.Create(settings, device);
            CheckVocabulary(settings, text, model);
            var trainer = CreateTrainer(settings, model);
            if (options.Resume)
            {
                trainer.Load(options.CheckpointPath);
            }

            return new(options, settings, text, data, device, model, trainer);
        }
        catch
        {
            model?.Dispose();
            device.Dispose();
            throw;
        }
    }

    /// <summary>Measures, trains, measures again and writes the result.</summary>
    /// <returns>False if the user interrupted it; the checkpoint is written all the same.</returns>
    public bool Execute(Interruption interruption)
    {
        Tell($"data    {_settings.Data}: {_data.Training.Count} examples, {_data.HeldOut.Count} held out; {_data.Training.Sum(e => e.Weights.Skip(1).Sum())} of {_data.Training.Sum(e => e.Tokens.Length)} tokens are learnt in a pass");
        Tell($"model   {_model.Info.Name}: {_model.Info.TrainedCount / 1e6:F3} M of {_model.Info.ParameterCount / 1e6:F2} M parameters are trained, {_trainer.MemoryBytes / 1048576.0:F0} MiB beside {_model.WeightBytes / 1048576.0:F0} MiB of weights, {_device.Team.Threads} threads");
        Tell($"run     steps {_trainer.StepsDone + 1} to {_settings.Steps}, batch {_settings.Batch} x {_settings.Length}, seed {_settings.Seed}");
        var before = Evaluate();
        Tell($"held-out loss before {before:F4}");
        TellAnswer("answer before");
        if (_trainer.StepsDone < _settings.Steps)
        {
            _view.During(() => Train(interruption));
        }

        if (interruption.IsRequested)
        {
            Tell($"interrupted after step {_trainer.StepsDone}{(_trainer.StepsDone > 0 ? $"; go on with --resume --out {_options.Out}" : "")}");
            return false;
        }

        Tell($"held-out loss after {Evaluate():F4}, before {before:F4}");
        TellAnswer("answer after");
        SaveResult();
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _trainer.Dispose();
        _model.Dispose();
        _device.Dispose();
    }

    private static void CheckVocabulary(RunSettings settings, IExampleText text, LanguageModel model)
    {
        if (text is TemplateText { Vocabulary: var tokens } && tokens > model.Info.Vocabulary)
        {
            throw new UsageException($"{settings.Model}: the tokenizer has {tokens} tokens, and the model knows {model.Info.Vocabulary}.");
        }

        if (text is ByteText && settings.Model is not null && model.Info.Vocabulary != 256)
        {
            throw new UsageException($"{settings.Model}: there is no tokenizer.json, and the model's {model.Info.Vocabulary} tokens are not bytes.");
        }
    }

    private static Trainer CreateTrainer(RunSettings settings, LanguageModel model)
    {
        try
        {
            return model.CreateTrainer(settings.ToTraining(model.Info));
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(exception.Message);
        }
        catch (OutOfMemoryException exception)
        {
            throw new UsageException($"batches of {settings.Batch} x {settings.Length} tokens take too much memory: {exception.Message} Use a smaller --batch or --length, or --lora.");
        }
    }

    private void Train(Interruption interruption)
    {
        var meter = new SpeedMeter(_settings.Batch * _settings.Length);
        var first = _trainer.StepsDone;
        double? heldOut = null;
        MetricsWriter? metrics = null;
        try
        {
            while (_trainer.StepsDone < _settings.Steps && !interruption.IsRequested)
            {
                _batches.FillTraining(_trainer.StepsDone + 1);
                meter.Begin();
                var result = _trainer.Step(_batches.Tokens, _batches.Weights);
                meter.End();

                // Opened only now: a run that fails at once must not cost an earlier run its metrics.
                metrics ??= new MetricsWriter(_options.MetricsPath, _model.Info, first);
                var isEvaluated = IsDue(result.Step, _options.EvalEvery);
                heldOut = isEvaluated ? Evaluate() : heldOut;
                metrics.Write(result, _trainer.Metrics, meter.TokensPerSecond, isEvaluated ? heldOut : null);
                _view.Show(new(result, _settings.Steps, heldOut, meter.TokensPerSecond, meter.TimeLeft(_settings.Steps - result.Step)));
                if (IsDue(result.Step, _options.CheckpointEvery) || interruption.IsRequested)
                {
                    _trainer.Save(_options.CheckpointPath, _settings.ToMetadata());
                }
            }
        }
        finally
        {
            metrics?.Dispose();
        }
    }

    private bool IsDue(long step, int interval) => step == _settings.Steps || (interval > 0 && step % interval == 0);

    /// <summary>The mean over all targets that are held out.</summary>
    private double Evaluate()
    {
        var (sum, count) = (0.0, 0.0);
        for (var batch = 0; batch < _batches.HeldOutBatches; batch++)
        {
            var weight = _batches.FillHeldOut(batch);
            sum += weight * _trainer.Evaluate(_batches.Tokens, _batches.Weights).Nll;
            count += weight;
        }

        return sum / count;
    }

    private void TellAnswer(string title)
    {
        if (_options.Sampling.MaxTokens == 0)
        {
            return;
        }

        var sampling = _options.Sampling with { Seed = _settings.Seed, StopTokens = _text.StopTokens };
        var answer = _model.Generate(_data.Prompt, _options.Sampling.MaxTokens, sampling);
        Tell($"{title}: {_text.Decode(_data.Prompt).Trim().ReplaceLineEndings(" | ")} => {_text.Decode(answer).Trim().ReplaceLineEndings(" | ")}");
    }

    /// <summary>Adapters by themselves, and the model with all that was learnt.</summary>
    private void SaveResult()
    {
        var written = $"written {_options.CheckpointPath}, {_options.MetricsPath}, ";
        if (_settings.Lora > 0)
        {
            AdapterFolder.Save(_model, _options.AdapterFolder, _settings.Model);
            if (_model.WeightFormat != WeightFormat.Single)
            {
                Tell($"{written}{_options.AdapterFolder}");
                return;
            }

            written += _options.AdapterFolder + ", ";
            _model.MergeAdapters();
        }

        if (_model.LoadedFolder is null)
        {
            _model.Save(_options.ModelPath);
            Tell($"{written}{_options.ModelPath}");
        }
        else
        {
            _model.SaveFolder(_options.ModelFolder);
            Tell($"{written}{_options.ModelFolder}");
        }
    }

    private void Tell(FormattableString line) => _view.Tell(line.ToString(CultureInfo.InvariantCulture));
}
