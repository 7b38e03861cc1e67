using System.Globalization;
using Mdl.Benchmarks.Reports;

namespace Mdl.Benchmarks.Cases;

/// <summary>The kernel score: pairs of query and datum in a second; the best run of all rounds.</summary>
internal static class KernelScoreCase
{
    private const double Seconds = 0.5;

    private static readonly (int Points, int Queries, int Dimensions, double Target)[] Sizes = [(100_000, 1000, 2, 15), (50_000, 1000, 64, 4), (20_000, 500, 784, 2)];

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        foreach (var (points, queries, dimensions, target) in Sizes)
        {
            using var own = context.StartOwn();
            using var peer = context.StartPeer();
            var request = string.Create(CultureInfo.InvariantCulture, $"score {points} {queries} {dimensions} {Seconds}");
            var pairs = 1e-9 * points * queries;
            var (ours, peers) = (0.0, 0.0);
            for (var round = 0; round < context.Rounds; round++)
            {
                ours = Math.Max(ours, pairs / own.Ask(request)[0]);
                peers = peer is null ? 0 : Math.Max(peers, pairs / peer.Ask(request)[0]);
            }

            yield return new Row(
                string.Create(CultureInfo.InvariantCulture, $"kernel score, {points} points, {queries} queries, d = {dimensions}"), "G pairs/s", ours)
            {
                Peer = peer is null ? null : peers,
                Target = string.Create(CultureInfo.InvariantCulture, $"{target}x"),
                Reached = peer is null ? null : ours >= target * peers,
            };
        }
    }
}
