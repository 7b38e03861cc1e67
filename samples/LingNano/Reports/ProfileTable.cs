using Mdl.Runtime.Profiling;
using Spectre.Console;
using static Ling.Sample.Reports.Units;

namespace Ling.Sample.Reports;

/// <summary>Shows where the time of the training steps went.</summary>
public static class ProfileTable
{
    public static void Print(ProfileReport report, Roofline roofline)
    {
        var steps = Math.Max(report.Steps, 1);
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns("kernel", "operation", "phase", "source");
        foreach (var heading in new[] { "calls", "ms", "share", "GFLOP/s", "GB/s", "of roofline" })
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        foreach (var k in report.Kernels)
        {
            table.AddRow(
                Markup.Escape(k.Info.Name), k.Info.Operation, k.Info.Phase.ToString(), Markup.Escape(k.Info.Source), Whole(k.Calls / steps), Milliseconds(k.Seconds / steps),
                Percent(k.Seconds / report.StepSeconds), Giga(k.Flops / k.Seconds), Giga(k.Bytes / k.Seconds), Percent(k.RooflineShare));
        }

        table.AddEmptyRow();
        foreach (var phase in Enum.GetValues<LaunchPhase>())
        {
            var (seconds, share) = report.Of(phase);
            table.AddRow(phase.ToString(), "", "", "", "", Milliseconds(seconds / steps), Percent(seconds / report.StepSeconds), "", "", Percent(share));
        }

        table.AddRow("step", "", "", "", "", Milliseconds(report.StepSeconds / steps), Percent(1), "", "", Percent(report.RooflineShare * report.Coverage));
        var console = Wide();
        console.Write(table);
        console.WriteLine(
            $"{report.Steps} steps; launches cover {Percent(report.Coverage)} of their time; roofline: {Giga(roofline.FlopsPerSecond)} GFLOP/s ({Giga(roofline.ShortFlopsPerSecond)} in bfloat16), {Giga(roofline.BytesPerSecond)} GB/s");
    }

    /// <summary>A console that does not wrap tables where its width is not that of a screen.</summary>
    internal static IAnsiConsole Wide()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings());
        console.Profile.Width = Console.IsOutputRedirected ? 200 : Math.Max(console.Profile.Width, 120);
        return console;
    }
}
