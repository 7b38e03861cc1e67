using System.Globalization;
using Mdl.Benchmarks.Reports;

namespace Mdl.Benchmarks.Cases;

/// <summary>The kernel score: pairs of query and datum in a second; the best run of all rounds.</summary>
internal static class KernelScoreCase
{
    private const double Seconds = 0.5;

    private static readonly (int Points, int Queries, int Dimensions, double Target)[] Sizes = [(100_000, 1000, 2, 15), (50_000, 1000, 64, 4), (20_000, 500, 784, 2)];

    public static IEnumerable<Row> Run(BenchmarkContext context) => Scores(context).Append(Sampling(context));

    // The peer is our own kernel that goes through all data. Both are timed on a kernel that has sampled before.
    private static Row Sampling(BenchmarkContext context)
    {
        const int Points = 100_000;
        const int Samples = 1000;
        const int Steps = 100;
        const double Target = 5;
        using var own = context.StartOwn();
        var (skipping, whole) = (double.PositiveInfinity, double.PositiveInfinity);
        for (var round = 0; round < context.Rounds; round++)
        {
            var seconds = own.Ask(string.Create(CultureInfo.InvariantCulture, $"score-sampling {Points} {Samples} {Steps}"));
            (skipping, whole) = (Math.Min(skipping, seconds[0]), Math.Min(whole, seconds[1]));
        }

        return new Row(
            string.Create(CultureInfo.InvariantCulture, $"kernel sampling, {Points} points, d = 2, {Steps} steps, data left out or merged beside none"), "samples/s", Samples / skipping)
        {
            Peer = Samples / whole,
            Target = string.Create(CultureInfo.InvariantCulture, $"{Target}x"),
            Reached = whole >= Target * skipping,
        };
    }

    private static IEnumerable<Row> Scores(BenchmarkContext context)
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
