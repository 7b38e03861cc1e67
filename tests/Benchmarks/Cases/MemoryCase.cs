using Mdl.Benchmarks.Reports;
using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks.Cases;

/// <summary>The most memory that a fresh process has had after some training steps, code and libraries included.</summary>
internal static class MemoryCase
{
    private const int Steps = 20;
    private const double Target = 0.5;
    private const double Mebibyte = 1 << 20;

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        using var own = context.StartOwn();
        var ours = Train(own);
        var arenas = own.Ask("arenas")[0] / Mebibyte;
        using var peer = context.StartPeer();
        double? peers = peer is null ? null : Train(peer);
        yield return new Row($"peak memory of {Steps} training steps", "MiB", ours)
        {
            Peer = peers,
            Target = $"{Target}x",
            Reached = peers is null ? null : ours <= Target * peers,
        };
        yield return new Row("  of which weights, activations, gradients, moments", "MiB", arenas);
    }

    private static double Train(Worker worker)
    {
        worker.Ask($"train-begin {TrainCase.Batch} {TrainCase.Length}");
        worker.Ask($"train {Steps}");
        return worker.Ask("peak-memory")[0] / Mebibyte;
    }
}
