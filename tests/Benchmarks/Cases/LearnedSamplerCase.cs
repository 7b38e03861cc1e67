using System.Globalization;
using Mdl.Benchmarks.Reports;

namespace Mdl.Benchmarks.Cases;

/// <summary>A step of a sampler whose score is a small network; the best run of all rounds.</summary>
internal static class LearnedSamplerCase
{
    private const int Batch = 4096;
    private const double Seconds = 1;
    private const double Target = 2;

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        using var own = context.StartOwn();
        using var peer = context.StartPeer();
        var request = string.Create(CultureInfo.InvariantCulture, $"sampler-step {Batch} {Seconds}");
        var (ours, peers) = (0.0, 0.0);
        for (var round = 0; round < context.Rounds; round++)
        {
            ours = Math.Max(ours, 1 / own.Ask(request)[0]);
            peers = peer is null ? 0 : Math.Max(peers, 1 / peer.Ask(request)[0]);
        }

        yield return new Row(string.Create(CultureInfo.InvariantCulture, $"learned sampler step, width 128, depth 3, batch {Batch}"), "steps/s", ours)
        {
            Peer = peer is null ? null : peers,
            Target = string.Create(CultureInfo.InvariantCulture, $"{Target}x"),
            Reached = peer is null ? null : ours >= Target * peers,
        };
    }
}
