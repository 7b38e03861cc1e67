using System.Globalization;
using Mdl.Benchmarks.Reports;
using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Kernels;

namespace Mdl.Benchmarks.Cases;

/// <summary>Attention, cross-entropy and products in short formats at the sizes of Ling-mini; the best run of all rounds. Limits are multiply-adds of the same format in registers.</summary>
internal static class LargeKernelCase
{
    private const double Seconds = 0.5;

    private const double Mebibyte = 1 << 20;
    private const double MemoryTarget = 0.125;

    // Of the peak, where libtorch has no such product.
    private const double PeakShareAlone = 0.7;

    // Two products forward and five backward; half of each is masked.
    private const double AttentionFlops = 3.5 * 2 * 16 * 2048.0 * 2048 * 128;
    private const double CrossEntropyFlops = 6.0 * 4096 * 2048 * 32768;

    private const string CrossEntropy = "4096 2048 32768";

    private static readonly Kernel[] Kernels =
    [
        new("attention forward + backward, 16 heads, 4 kv, 128 wide, T = 2048, causal", "attend 2048 16 4", AttentionFlops, ElementFormat.Single, new(1.8)),
        new("linear cross-entropy, 4096 tokens, 2048 -> 32768", $"cross-entropy {CrossEntropy}", CrossEntropyFlops, ElementFormat.Single, new(1.8)),
        new("bf16 product 1024", "gemm-bf16 1024", 2.0 * 1024 * 1024 * 1024, ElementFormat.BFloat16, new(0.9, 0.75)),
        new("bf16 product 2048", "gemm-bf16 2048", 2.0 * 2048 * 2048 * 2048, ElementFormat.BFloat16, new(0.9, 0.75)),
        new("int8 product 1024", "gemm-int8 1024", 2.0 * 1024 * 1024 * 1024, ElementFormat.SByte, null),
        new("int8 product 2048", "gemm-int8 2048", 2.0 * 2048 * 2048 * 2048, ElementFormat.SByte, null),
    ];

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        foreach (var kernel in Kernels)
        {
            using var own = context.StartOwn();
            using var peer = kernel.Target is null ? null : context.StartPeer();
            var request = string.Create(CultureInfo.InvariantCulture, $"{kernel.Request} {Seconds}");
            var (ours, peers, peak) = (0.0, 0.0, 0.0);
            for (var round = 0; round < context.Rounds; round++)
            {
                peak = Math.Max(peak, own.Ask($"peak {kernel.Format}")[0]);
                ours = Math.Max(ours, Rate(own, kernel, request));
                peers = peer is null ? 0 : Math.Max(peers, Rate(peer, kernel, request));
            }

            var (target, reached) = kernel.Target?.Judge(ours, peer is null ? null : peers, peak)
                ?? (string.Create(CultureInfo.InvariantCulture, $"{PeakShareAlone:0 %} of the peak"), ours >= PeakShareAlone * peak);
            yield return new Row(kernel.Name, "GFLOP/s", ours)
            {
                Peer = peer is null ? null : peers,
                OfLimit = ours / peak,
                Target = target,
                Reached = reached,
            };
        }

        yield return Memory(context);
    }

    // What resides at most during a first call, above what stood before it and the gradients that it leaves.
    private static Row Memory(BenchmarkContext context)
    {
        using var own = context.StartOwn();
        using var peer = context.StartPeer();
        var ours = own.Ask($"cross-entropy-memory {CrossEntropy}")[0] / Mebibyte;
        var peers = peer?.Ask($"cross-entropy-memory {CrossEntropy}")[0] / Mebibyte;
        return new Row("memory of linear cross-entropy besides operands and gradients", "MiB", ours)
        {
            Peer = peers,
            Target = string.Create(CultureInfo.InvariantCulture, $"{MemoryTarget}x"),
            Reached = peers is null ? null : ours <= MemoryTarget * peers,
        };
    }

    private static double Rate(Worker worker, Kernel kernel, string request) => kernel.Flops * 1e-9 / worker.Ask(request)[0];

    private sealed record Kernel(string Name, string Request, double Flops, ElementFormat Format, RatioTarget? Target);
}
