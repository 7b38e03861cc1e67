using System.Diagnostics;
using Mdl.Benchmarks.Reports;
using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks.Cases;

/// <summary>From the start of a process to the end of its first training step, in fresh processes; the row shows the middle one.</summary>
internal static class StartupCase
{
    private const double Target = 2;

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        var ours = new List<double>();
        var peers = new List<double>();
        for (var round = 0; round < context.Rounds; round++)
        {
            ours.Add(Seconds(context.StartOwn));
            if (context.HasPeer)
            {
                peers.Add(Seconds(() => context.StartPeer()!));
            }
        }

        var seconds = ours.Median();
        yield return new Row("process start to end of first step", "s", seconds)
        {
            Peer = peers.Count == 0 ? null : peers.Median(),
            Target = $"{Target} s",
            Reached = seconds < Target,
        };
    }

    private static double Seconds(Func<Worker> start)
    {
        var begin = Stopwatch.GetTimestamp();
        using var worker = start();
        worker.AskAtOnce($"train-begin {TrainCase.Batch} {TrainCase.Length}");
        worker.AskAtOnce("train 1");
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }
}
