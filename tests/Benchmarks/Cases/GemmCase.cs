using System.Globalization;
using Mdl.Benchmarks.Reports;
using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks.Cases;

/// <summary>
/// Matrix products of every layout, beside libtorch's best layout and the multiply-add peak. Each round measures the peak, then ours and
/// libtorch's in turn; a round's figure is its best run, and the row shows the middle round.
/// </summary>
internal static class GemmCase
{
    private const double SecondsPerRound = 0.1;

    private static readonly string[] Layouts = ["NN", "NT", "TN", "TT"];

    private static readonly Size[] Sizes =
    [
        new(1024, 1024, 1024, new(2, 0.75)),
        new(2048, 2048, 2048, new(2, 0.75)),
        new(4096, 256, 512, new(1.4)),
        new(4096, 512, 256, new(1.4)),
        new(512, 4096, 256, new(1.4)),
        new(512, 256, 128, new(1.4)),
    ];

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        using var own = context.StartOwn();
        using var peer = context.StartPeer();
        foreach (var size in Sizes)
        {
            var peaks = new List<double>();
            var ours = Layouts.Select(_ => new List<double>()).ToArray();
            var peers = Layouts.Select(_ => new List<double>()).ToArray();
            for (var round = 0; round < context.Rounds; round++)
            {
                peaks.Add(own.Ask("peak")[0]);
                for (var l = 0; l < Layouts.Length; l++)
                {
                    ours[l].Add(Ask(own, size, Layouts[l]));
                    if (peer is not null)
                    {
                        peers[l].Add(Ask(peer, size, Layouts[l]));
                    }
                }
            }

            double? best = peer is null ? null : peers.Max(rates => rates.Median());
            for (var l = 0; l < Layouts.Length; l++)
            {
                yield return Judge(size, Layouts[l], ours[l].Median(), best, peaks.Median());
            }
        }
    }

    // GFLOP/s of the best run.
    private static double Ask(Worker worker, Size size, string layout)
    {
        var request = string.Create(CultureInfo.InvariantCulture, $"gemm {size.M} {size.N} {size.K} {layout} {SecondsPerRound}");
        return 2e-9 * size.M * size.N * size.K / worker.Ask(request)[0];
    }

    private static Row Judge(Size size, string layout, double ours, double? peer, double peak)
    {
        var (target, reached) = size.Target.Judge(ours, peer, peak);
        return new Row($"f32 product {size.M} x {size.K} x {size.N}, {layout}", "GFLOP/s", ours)
        {
            Peer = peer,
            OfLimit = ours / peak,
            Target = target,
            Reached = reached,
        };
    }

    private sealed record Size(int M, int K, int N, RatioTarget Target);
}
