using System.Globalization;
using Mdl.Benchmarks.Reports;
using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks.Cases;

/// <summary>Attention, cross-entropy and products in short formats at the sizes of Ling-mini; the best run of all rounds.</summary>
internal static class LargeKernelCase
{
    private const double Seconds = 0.5;

    // Two products forward and five backward; half of each is masked.
    private const double AttentionFlops = 3.5 * 2 * 16 * 2048.0 * 2048 * 128;
    private const double CrossEntropyFlops = 6.0 * 4096 * 2048 * 32768;

    private static readonly Kernel[] Kernels =
    [
        new("attention forward + backward, 16 heads, 4 kv, 128 wide, T = 2048, causal", "attend 2048 16 4", AttentionFlops, 1.8),
        new("linear cross-entropy, 4096 tokens, 2048 -> 32768", "cross-entropy 4096 2048 32768", CrossEntropyFlops, 1.8),
        new("bf16 product 1024", "gemm-bf16 1024", 2.0 * 1024 * 1024 * 1024, 0.9),
        new("bf16 product 2048", "gemm-bf16 2048", 2.0 * 2048 * 2048 * 2048, 0.9),
        new("int8 product 1024", "gemm-int8 1024", 2.0 * 1024 * 1024 * 1024, null),
        new("int8 product 2048", "gemm-int8 2048", 2.0 * 2048 * 2048 * 2048, null),
    ];

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        foreach (var kernel in Kernels)
        {
            using var own = context.StartOwn();
            using var peer = kernel.Target is null ? null : context.StartPeer();
            var request = string.Create(CultureInfo.InvariantCulture, $"{kernel.Request} {Seconds}");
            var (ours, peers) = (0.0, 0.0);
            for (var round = 0; round < context.Rounds; round++)
            {
                ours = Math.Max(ours, Rate(own, kernel, request));
                peers = peer is null ? 0 : Math.Max(peers, Rate(peer, kernel, request));
            }

            yield return new Row(kernel.Name, "GFLOP/s", ours)
            {
                Peer = peer is null ? null : peers,
                Target = kernel.Target is { } target ? string.Create(CultureInfo.InvariantCulture, $"{target}x") : "",
                Reached = peer is null ? null : ours >= kernel.Target * peers,
            };
        }
    }

    private static double Rate(Worker worker, Kernel kernel, string request) => kernel.Flops * 1e-9 / worker.Ask(request)[0];

    private sealed record Kernel(string Name, string Request, double Flops, double? Target);
}
