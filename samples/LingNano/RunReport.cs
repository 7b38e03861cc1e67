using System.Diagnostics;
using System.Globalization;
using System.Text;
using Ling.Sample.Plots;
using Ling.Sample.Progress;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Data;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;
using Mdl.Runtime.Training;

namespace Ling.Sample;

/// <summary>What the program says and leaves behind around the training itself.</summary>
public sealed class RunReport(RunOptions options, RunSettings settings, IProgressView view)
{
    public void Begin(TextCorpus corpus, TextEntropy entropy, LanguageModel model, Trainer trainer, Device device)
    {
        view.Tell(Line($"data    {corpus.Name}: {corpus.Training.Length / 1e6:F2} MB for training, {corpus.HeldOut.Length / 1e6:F2} MB held out"));
        view.Tell(Line($"        entropy {entropy.Unigram:F3} nats a byte ({entropy.UnigramBits:F3} bits), given the byte before {entropy.Bigram:F3} ({entropy.BigramBits:F3} bits)"));
        var info = model.Info;
        var mtp = info.MtpParameterCount > 0 ? Line($" and {info.MtpParameterCount / 1e6:F2} M of multi-token prediction") : "";
        view.Tell(Line($"model   {info.Name}: {info.ParameterCount / 1e6:F2} M parameters{mtp}, {trainer.MemoryBytes / 1048576.0:F0} MiB to train, {device.Team.Threads} threads"));
        view.Tell(trainer.StepsDone < settings.Steps
            ? Line($"run     steps {trainer.StepsDone + 1} to {settings.Steps}, batch {settings.Batch} x {settings.Length}, seed {settings.Seed}")
            : Line($"run     nothing left to train: {trainer.StepsDone} steps are done, --steps is {settings.Steps}"));
    }

    public void End(double heldOut, TextEntropy entropy)
    {
        var memory = Process.GetCurrentProcess().PeakWorkingSet64 / 1048576.0;
        view.Tell(Line($"held-out loss {heldOut:F4} nats a byte ({heldOut / Math.Log(2):F3} bits); unigram entropy {entropy.Unigram:F4}, bigram entropy {entropy.Bigram:F4}"));
        view.Tell(Line($"peak memory {memory:F0} MiB"));
    }

    public void DrawPlots(TextEntropy entropy)
    {
        if (!File.Exists(options.MetricsPath))
        {
            return;
        }

        var history = MetricsHistory.Read(options.MetricsPath);
        LossPlot.Save(options.LossPlotPath, history, entropy);
        if (history.Loads.Count > 0)
        {
            ExpertPlot.Save(options.ExpertPlotPath, history);
        }

        view.Tell($"written {options.CheckpointPath}, {options.MetricsPath}, {options.LossPlotPath}, {options.ExpertPlotPath}");
    }

    public void SaveSample(string text) => AtomicFile.Write(options.SamplePath, stream => stream.Write(Encoding.UTF8.GetBytes(text + "\n")));

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
