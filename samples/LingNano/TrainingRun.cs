using Ling.Sample.Progress;
using Ling.Sample.Reports;
using Mdl.Runtime.Data;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;
using Mdl.Runtime.Profiling;
using Mdl.Runtime.Training;

namespace Ling.Sample;

/// <summary>One run of the program: data, model and trainer, from the first step to the sampled text.</summary>
public sealed class TrainingRun : IDisposable
{
    private const int EvaluationBatches = 4;
    private const int FinalEvaluationBatches = 16;
    private readonly RunOptions _options;
    private readonly RunSettings _settings;
    private readonly TextCorpus _corpus;
    private readonly Device _device;
    private readonly LanguageModel _model;
    private readonly Trainer _trainer;
    private readonly IProgressView _view;
    private readonly int[] _tokens;
    private readonly long _memoryBefore;

    private TrainingRun(RunOptions options, RunSettings settings, TextCorpus corpus, Device device, LanguageModel model, Trainer trainer, long memoryBefore)
    {
        _memoryBefore = memoryBefore;
        (_options, _settings, _corpus, _device, _model, _trainer) = (options, settings, corpus, device, model, trainer);
        _view = ProgressViews.Create(options.Quiet);
        _tokens = new int[trainer.TokensPerBatch];
    }

    /// <summary>Loads and checks everything; leaves no file.</summary>
    public static TrainingRun Prepare(RunOptions options)
    {
        // Reading the text takes as long as drawing the weights: do both at once.
        var loading = Task.Run(() => LoadText(options));
        var metadata = RunSettings.ReadMetadata(options);
        var seed = RunSettings.From(options, metadata, "").Seed;
        var device = options.Threads is { } threads ? new Device(threads) : Device.Host;
        var memoryBefore = ResidentMemory.Now;
        var model = ModelFactory.Create(device, seed);
        var corpus = loading.GetAwaiter().GetResult();

        // Loading leaves the files and their parts behind, several times the text. Their pages would stay with the process beside all that training takes.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        var settings = RunSettings.From(options, metadata, corpus.Fingerprint);
        corpus.RequireWidth(settings.Length + 1 + model.Info.MtpDepth);
        var trainer = CreateTrainer(model, settings, options);
        if (options.Resume)
        {
            trainer.Load(options.ResumeFrom ?? options.CheckpointPath);
        }

        CheckOutput(options.Out);
        var run = new TrainingRun(options, settings, corpus, device, model, trainer, memoryBefore);
        if (settings.DataNote(metadata, corpus) is { } note)
        {
            run._view.Tell(note);
        }

        return run;
    }

    /// <summary>The text that the options name.</summary>
    public static TextCorpus LoadText(RunOptions options) => options.Data is { } path ? TextCorpus.Load(path) : TextCorpus.LoadSdkDocumentation();

    /// <summary>Trains, then writes pictures and the sampled text.</summary>
    /// <returns>False if the user interrupted it; the checkpoint is written all the same.</returns>
    public bool Execute(Interruption interruption)
    {
        var entropy = TextEntropy.Of(_corpus.Training);
        var report = new RunReport(_options, _settings, _view);
        report.Begin(_corpus, entropy, _model, _trainer, _device);
        if (_trainer.StepsDone < _settings.Steps)
        {
            _view.During(() => Train(interruption));
            if (interruption.IsRequested)
            {
                _view.Tell(_trainer.StepsDone == 0 ? "interrupted before the first step" : $"interrupted after step {_trainer.StepsDone}; go on with --resume --out {_options.Out}");
                return false;
            }
        }

        if (_device.Profiler is { Steps: > 0 } profiler)
        {
            ShowProfile(profiler);
        }

        report.End(Evaluate(FinalEvaluationBatches), entropy);
        report.DrawPlots(entropy);
        if (_options.Generate > 0)
        {
            _view.Tell("");
            var sampling = _options.Sampling with { Seed = _settings.Seed };
            report.SaveSample(Continuation.Print(_model, Continuation.Prompt(_options, _corpus), _options.Generate, sampling, interruption));
        }

        if (_options.Speculate > 0)
        {
            _view.Tell("");
            DecodingSpeed.Compare(_model, Continuation.Prompt(_options, _corpus), _options.Speculate, _options.Sampling with { Seed = _settings.Seed }, _view.Tell);
        }

        return !interruption.IsRequested;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _trainer.Dispose();
        _model.Dispose();
        if (_options.Threads is not null)
        {
            _device.Dispose();
        }
    }

    /// <summary>Makes the output folder and tries to write to it: better now than after the first steps.</summary>
    private static void CheckOutput(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            File.Create(Path.Combine(folder, FormattableString.Invariant($".{Environment.ProcessId}.tmp")), 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--out is {folder}; it must be a folder that can be written to: {exception.Message}");
        }
    }

    private static Trainer CreateTrainer(LanguageModel model, RunSettings settings, RunOptions options)
    {
        try
        {
            return model.CreateTrainer(settings.ToTraining(model.Info, options));
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(exception.Message);
        }
        catch (OutOfMemoryException exception)
        {
            throw new UsageException($"Batches of {settings.Batch} x {settings.Length} tokens take too much memory: {exception.Message} Use a smaller --batch or --length.");
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
                _corpus.FillTrainingBatch(_settings.Seed, _trainer.StepsDone + 1, _trainer.TokensPerSequence, _tokens);
                meter.Begin();
                var result = _trainer.Step(_tokens);
                meter.End();
                // The first step compiles code.
                _device.Profiler ??= _options.Profile ? new Profiler() : null;

                // Opened only now: a run that fails at once must not cost an earlier run its metrics.
                metrics ??= new MetricsWriter(_options.MetricsPath, _model.Info, first);
                var isEvaluated = IsDue(result.Step, _options.EvalEvery);
                heldOut = isEvaluated ? Evaluate(EvaluationBatches) : heldOut;
                metrics.Write(result, _trainer.Metrics, meter.TokensPerSecond, isEvaluated ? heldOut : null);
                _view.Show(new ProgressState(
                    result, _settings.Steps, heldOut, meter.TokensPerSecond, meter.TimeLeft(_settings.Steps - result.Step), ExpertLoads.Balance(_model.Info, _trainer)));
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

    private void ShowProfile(Profiler profiler)
    {
        _device.Profiler = null;
        var taken = ResidentMemory.Peak - _memoryBefore;
        var roofline = Roofline.Measure(_device);
        ProfileTable.Print(profiler.Report(roofline), roofline);
        var plan = ModelFactory.Plan(_settings.Batch, _settings.Length, _device.Team.Threads);
        _view.Tell($"memory  planned {Units.Mebibytes(plan.TotalBytes)} MiB, taken {Units.Mebibytes(taken)} MiB, scratch {Units.Mebibytes(_device.Team.ScratchBytes)} MiB");
        ChromeTrace.Write(profiler, _options.TracePath);
        _view.Tell($"written {_options.TracePath}");
    }

    private bool IsDue(long step, int interval) => step == _settings.Steps || (interval > 0 && step % interval == 0);

    private double Evaluate(int batches)
    {
        // A profile is of training steps.
        var profiler = _device.Profiler;
        _device.Profiler = null;
        double sum = 0;
        for (var batch = 0; batch < batches; batch++)
        {
            _corpus.FillHeldOutBatch(batch, batches, _trainer.TokensPerSequence, _tokens);
            sum += _trainer.Evaluate(_tokens).Nll;
        }

        _device.Profiler = profiler;
        return sum / batches;
    }
}
