using Mdl.Runtime.Profiling;
using Spectre.Console;
using static Ling.Sample.Reports.Units;

namespace Ling.Sample.Reports;

/// <summary>Shows what a training step will launch and what memory it will take.</summary>
public static class PlanTable
{
    public static void Print(TrainingPlan plan, HostMemory host)
    {
        var console = ProfileTable.Wide();
        console.WriteLine($"{plan.Model}, batch {plan.Batch} x {plan.Length}");
        console.Write(Launches(plan));
        console.Write(Buffers(plan));
        foreach (var (name, bytes) in new (string, long)[]
        {
            ("weights", plan.WeightBytes), ("gradients", plan.GradientBytes), ("moments", plan.MomentBytes), ("arena", plan.ArenaBytes),
            ("scratch", plan.ScratchBytes), ("tokens and losses", plan.TokenBytes), ("text", host.Text), ("runtime", host.Runtime),
            ("total", plan.TotalBytes + host.Text + host.Runtime),
        })
        {
            console.WriteLine($"{name,-18}{Mebibytes(bytes),10} MiB");
        }
    }

    private static Table Launches(TrainingPlan plan)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns("kernel", "operation", "phase", "source");
        foreach (var heading in new[] { "calls", "GFLOP", "MiB" })
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        foreach (var l in plan.Launches)
        {
            table.AddRow(Markup.Escape(l.Name), l.Operation, l.Phase.ToString(), Markup.Escape(l.Source), Whole(l.Calls), Giga(l.Flops * l.Calls), Mebibytes(l.Bytes * l.Calls));
        }

        table.AddEmptyRow();
        table.AddRow("step", "", "", "", Whole(plan.Launches.Sum(l => l.Calls)), Giga(plan.Launches.Sum(l => l.Flops * l.Calls)), Mebibytes(plan.Launches.Sum(l => l.Bytes * l.Calls)));
        return table;
    }

    private static Table Buffers(TrainingPlan plan)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("buffer");
        foreach (var heading in new[] { "MiB", "at MiB", "first step", "last step" })
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        for (var i = 0; i < plan.Buffers.Count; i++)
        {
            var b = plan.Buffers[i];
            table.AddRow(Markup.Escape(b.Name), Mebibytes(b.Bytes), Mebibytes(plan.OffsetOf(i)), Whole(b.First), Whole(b.Last));
        }

        return table;
    }
}
