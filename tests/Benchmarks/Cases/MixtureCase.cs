using Mdl.Benchmarks.Reports;
using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Kernels;

namespace Mdl.Benchmarks.Cases;

/// <summary>
/// A mixture-of-experts layer of Ling-mini, forward and backward, 4096 tokens, with products in single precision and in bfloat16, both beside libtorch in
/// single precision. One process after the other: each needs some ten gigabytes.
/// </summary>
internal static class MixtureCase
{
    private const int Tokens = 4096;
    private const int Runs = 3;

    // Six for each weight that a token meets: those of nine experts, eight of which are chosen, and of the router.
    private const double OperationsPerToken = 6.0 * 2048 * ((9 * 3 * 512) + 256);

    private static readonly RatioTarget Target = new(2.5);
    private static readonly RatioTarget ShortTarget = new(4);

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        var single = Measure(context, ElementFormat.Single);
        var pairs = Measure(context, ElementFormat.BFloat16);
        double? peer = null;
        using (var worker = context.StartPeer())
        {
            if (worker is not null)
            {
                peer = Tokens / worker.Ask($"mixture {Tokens} {Runs}").Min();
            }
        }

        yield return Judge("f32", single, peer, Target);
        yield return Judge("bf16, beside libtorch in f32", pairs, peer, ShortTarget);
    }

    private static (double Rate, double Peak) Measure(BenchmarkContext context, ElementFormat format)
    {
        using var worker = context.StartOwn();

        // A single reading just after another process has ended can be half of the peak.
        var peak = Enumerable.Range(0, 3).Max(_ => worker.Ask($"peak {format}")[0]);
        return (Tokens / worker.Ask($"mixture {Tokens} {Runs} {format}").Min(), peak * 1e9);
    }

    private static Row Judge(string arithmetic, (double Rate, double Peak) ours, double? peer, RatioTarget target)
    {
        var peak = ours.Peak / OperationsPerToken;
        var (wanted, reached) = target.Judge(ours.Rate, peer, peak);
        return new Row($"MoE layer of Ling-mini, forward + backward, {Tokens} tokens, {arithmetic}", "tokens/s", ours.Rate)
        {
            Peer = peer,
            OfLimit = ours.Rate / peak,
            Target = wanted,
            Reached = reached,
        };
    }
}
