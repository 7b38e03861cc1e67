using System.Globalization;
using Mdl.Benchmarks.Reports;
using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Kernels;

namespace Mdl.Benchmarks.Cases;

/// <summary>
/// Whole training steps of LingNano, with products in single precision and in bfloat16; the processes take turns, a few steps at a time. Rows show the
/// middle step. libtorch's model in bfloat16 is the same model cast to it, weights and moments too.
/// </summary>
internal static class TrainCase
{
    public const int Batch = 16;
    public const int Length = 256;
    private const int WarmUpSteps = 3;
    private const int StepsPerRound = 4;
    private const double Target = 2.5;
    private const double ShortTarget = 3.2;

    // Forward and backward of one token, from the sizes of the model: six operations for each weight that it meets, and attention.
    private const double OperationsPerToken = 24e6;

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        var single = new Side(context, ElementFormat.Single);
        var pairs = new Side(context, ElementFormat.BFloat16);
        using (single)
        using (pairs)
        {
            for (var round = 0; round < context.Rounds; round++)
            {
                single.Measure();
                pairs.Measure();
            }
        }

        yield return Judge("training LingNano, f32", single.Rate, single.PeerRate, single.Share, Target);
        yield return Judge("training LingNano, bf16, beside libtorch in f32", pairs.Rate, single.PeerRate, pairs.Share, ShortTarget);
        yield return Judge("training LingNano, bf16, beside libtorch in bf16", pairs.Rate, pairs.PeerRate, pairs.Share, null);
    }

    /// <summary>Makes a model and a trainer, and takes the first steps.</summary>
    public static void Begin(Worker worker, string format = "")
    {
        worker.Ask($"train-begin {Batch} {Length} {format}");
        worker.Ask($"train {WarmUpSteps}");
    }

    private static Row Judge(string what, double rate, double? peerRate, double share, double? target) => new($"{what}, {Batch} x {Length}", "tokens/s", rate)
    {
        Peer = peerRate,
        OfLimit = share,
        Target = target is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{target}x"),
        Reached = peerRate is null || target is null ? null : rate >= target * peerRate,
    };

    /// <summary>Both models of one format, and what has been measured of them.</summary>
    private sealed class Side : IDisposable
    {
        private readonly ElementFormat _format;
        private readonly Worker _own;
        private readonly Worker? _peer;
        private readonly List<double> _ours = [];
        private readonly List<double> _peers = [];
        private readonly List<double> _peaks = [];

        public Side(BenchmarkContext context, ElementFormat format)
        {
            _format = format;
            _own = context.StartOwn();
            _peer = context.StartPeer();
            Begin(_own, $"{format}");
            if (_peer is not null)
            {
                Begin(_peer, format == ElementFormat.Single ? "Float32" : $"{format}");
            }
        }

        public double Rate => RateOf(_ours);

        public double? PeerRate => _peer is null ? null : RateOf(_peers);

        public double Share => Rate * OperationsPerToken / (_peaks.Median() * 1e9);

        public void Measure()
        {
            _peaks.Add(_own.Ask($"peak {_format}")[0]);
            _ours.AddRange(_own.Ask($"train {StepsPerRound}"));
            if (_peer is not null)
            {
                _peers.AddRange(_peer.Ask($"train {StepsPerRound}"));
            }
        }

        public void Dispose()
        {
            _own.Dispose();
            _peer?.Dispose();
        }

        private static double RateOf(IEnumerable<double> seconds) => Batch * Length / seconds.Median();
    }
}
