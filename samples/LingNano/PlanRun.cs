using Ling.Sample.Reports;
using Mdl.Runtime.Checkpoints;

namespace Ling.Sample;

/// <summary>Tells what a step would launch and what memory it would take; trains nothing.</summary>
public static class PlanRun
{
    public static void Execute(RunOptions options)
    {
        // What the process holds before anything is read or allocated: the runtime and the code.
        var runtime = ResidentMemory.Now;
        var settings = RunSettings.From(options, RunSettings.ReadMetadata(options), "");
        var plan = ModelFactory.Plan(settings.Batch, settings.Length, options.Threads ?? Environment.ProcessorCount);
        if (options.Markdown is { } path)
        {
            AtomicFile.Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(KernelDocument.Write(plan))));
        }
        else
        {
            var text = TrainingRun.LoadText(options);
            PlanTable.Print(plan, new HostMemory(runtime, text.Training.Length + text.HeldOut.Length));
        }
    }
}
