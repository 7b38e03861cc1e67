using Mdl.Benchmarks.Reports;

namespace Mdl.Benchmarks.Cases;

/// <summary>A mixture-of-experts layer of Ling-mini, forward and backward, 4096 tokens. One side after the other: each needs some ten gigabytes.</summary>
internal static class MixtureCase
{
    private const int Tokens = 4096;
    private const int Runs = 3;
    private const double Target = 2.5;

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        double ours;
        using (var own = context.StartOwn())
        {
            ours = Tokens / own.Ask($"mixture {Tokens} {Runs}").Min();
        }

        using var peer = context.StartPeer();
        double? peers = peer is null ? null : Tokens / peer.Ask($"mixture {Tokens} {Runs}").Min();
        yield return new Row("MoE layer of Ling-mini, forward + backward, 4096 tokens", "tokens/s", ours)
        {
            Peer = peers,
            Target = $"{Target}x",
            Reached = peers is null ? null : ours >= Target * peers,
        };
    }
}
