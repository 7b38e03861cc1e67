using Mdl.Benchmarks.Reports;
using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks.Cases;

/// <summary>Whole training steps of LingNano; the two processes take turns, a few steps at a time. The row shows the middle step.</summary>
internal static class TrainCase
{
    public const int Batch = 16;
    public const int Length = 256;
    private const int WarmUpSteps = 3;
    private const int StepsPerRound = 4;
    private const double Target = 2;

    // Forward and backward of one token, from the sizes of the model: six operations for each weight that it meets, and attention.
    private const double OperationsPerToken = 24e6;

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        using var own = context.StartOwn();
        using var peer = context.StartPeer();
        var ours = new List<double>();
        var peers = new List<double>();
        var peaks = new List<double>();
        Begin(own);
        if (peer is not null)
        {
            Begin(peer);
        }

        for (var round = 0; round < context.Rounds; round++)
        {
            peaks.Add(own.Ask("peak")[0]);
            ours.AddRange(own.Ask($"train {StepsPerRound}"));
            if (peer is not null)
            {
                peers.AddRange(peer.Ask($"train {StepsPerRound}"));
            }
        }

        var rate = Rate(ours);
        double? peerRate = peer is null ? null : Rate(peers);
        yield return new Row($"training LingNano, {Batch} x {Length}", "tokens/s", rate)
        {
            Peer = peerRate,
            OfLimit = rate * OperationsPerToken / (peaks.Median() * 1e9),
            Target = $"{Target}x",
            Reached = peerRate is null ? null : rate >= Target * peerRate,
        };
    }

    /// <summary>Makes a model and a trainer, and takes the first steps.</summary>
    public static void Begin(Worker worker)
    {
        worker.Ask($"train-begin {Batch} {Length}");
        worker.Ask($"train {WarmUpSteps}");
    }

    private static double Rate(IEnumerable<double> seconds) => Batch * Length / seconds.Median();
}
