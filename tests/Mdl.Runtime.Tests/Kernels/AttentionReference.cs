using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Kernels;

/// <summary>Attention written out in double precision: every score of every row, and the softmax's derivative by the book.</summary>
internal sealed class AttentionReference
{
    private readonly AttentionShape _s;
    private readonly int _past;
    private readonly double[] _q, _k, _v;
    private readonly double[]? _sink;

    /// <summary>Operands are dense: [Batch, tokens, heads, width].</summary>
    public AttentionReference(in AttentionShape s, double[] q, double[] k, double[] v, double[]? sink, int past = 0)
    {
        (_s, _q, _k, _v, _sink, _past) = (s, q, k, v, sink, past);
        Output = new double[s.Batch * s.Queries * s.Heads * s.ValueWidth];
        Lse = new double[s.Batch * s.Queries * s.Heads];
        EachRow((batch, token, head) =>
        {
            var p = Probabilities(batch, token, head);
            for (var key = 0; key < _s.Keys; key++)
            {
                for (var x = 0; x < _s.ValueWidth && p[key] != 0; x++)
                {
                    Output[At(batch, token, _s.Queries, head, _s.Heads, _s.ValueWidth) + x] += p[key] * V(batch, key, head)[x];
                }
            }
        });
    }

    public double[] Output { get; }

    public double[] Lse { get; }

    public (double[] Q, double[] K, double[] V, double[] Sink) Gradients(double[] dOutput)
    {
        var (dq, dk, dv, dSink) = (new double[_q.Length], new double[_k.Length], new double[_v.Length], new double[_s.Heads]);
        EachRow((batch, token, head) =>
        {
            var p = Probabilities(batch, token, head);
            var d = dOutput.AsSpan(At(batch, token, _s.Queries, head, _s.Heads, _s.ValueWidth), _s.ValueWidth).ToArray();
            var dp = Enumerable.Range(0, _s.Keys).Select(key => Dot(d, V(batch, key, head))).ToArray();
            var mean = p.Zip(dp, (a, b) => a * b).Sum();
            var atQ = At(batch, token, _s.Queries, head, _s.Heads, _s.KeyWidth);
            for (var key = 0; key < _s.Keys; key++)
            {
                if (p[key] == 0)
                {
                    continue;
                }

                var score = _s.Scale * p[key] * (dp[key] - mean);
                var atK = At(batch, key, _s.Keys, KeyHead(head), _s.KeyHeads, _s.KeyWidth);
                for (var x = 0; x < _s.KeyWidth; x++)
                {
                    dq[atQ + x] += score * _k[atK + x];
                    dk[atK + x] += score * _q[atQ + x];
                }

                var atV = At(batch, key, _s.Keys, KeyHead(head), _s.KeyHeads, _s.ValueWidth);
                for (var x = 0; x < _s.ValueWidth; x++)
                {
                    dv[atV + x] += p[key] * d[x];
                }
            }

            dSink[head] -= (1 - p.Sum()) * mean;
        });
        return (dq, dk, dv, dSink);
    }

    private double[] Probabilities(int batch, int token, int head)
    {
        var q = _q.AsSpan(At(batch, token, _s.Queries, head, _s.Heads, _s.KeyWidth), _s.KeyWidth).ToArray();
        var scores = new double[_s.Keys];
        for (var key = 0; key < _s.Keys; key++)
        {
            var seen = !_s.Causal || (key <= token + _past && (_s.Window == 0 || key > token + _past - _s.Window));
            var k = _k.AsSpan(At(batch, key, _s.Keys, KeyHead(head), _s.KeyHeads, _s.KeyWidth), _s.KeyWidth);
            scores[key] = seen ? _s.Scale * Dot(q, k) : double.NegativeInfinity;
        }

        var sink = _sink is null ? double.NegativeInfinity : _sink[head];
        var max = Math.Max(sink, scores.Max());
        var sum = scores.Sum(x => Math.Exp(x - max)) + Math.Exp(sink - max);
        Lse[(((batch * _s.Queries) + token) * _s.Heads) + head] = max + Math.Log(sum);
        return [.. scores.Select(x => Math.Exp(x - max) / sum)];
    }

    private void EachRow(Action<int, int, int> body)
    {
        for (var batch = 0; batch < _s.Batch; batch++)
        {
            for (var token = 0; token < _s.Queries; token++)
            {
                for (var head = 0; head < _s.Heads; head++)
                {
                    body(batch, token, head);
                }
            }
        }
    }

    private static int At(int batch, int token, int tokens, int head, int heads, int width) => ((((batch * tokens) + token) * heads) + head) * width;

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    private int KeyHead(int head) => head / (_s.Heads / _s.KeyHeads);

    private ReadOnlySpan<double> V(int batch, int key, int head) =>
        _v.AsSpan(At(batch, key, _s.Keys, KeyHead(head), _s.KeyHeads, _s.ValueWidth), _s.ValueWidth);
}
