using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Evaluation;

internal static partial class Meaning
{
    private static NDArray[] Attend(Attend o, NDArray q, NDArray k, NDArray v, NDArray? sink)
    {
        NDArray output = new([q.Shape[0], q.Shape[1], q.Shape[2], v.Last]), logSumExp = new([q.Shape[0], q.Shape[1], q.Shape[2]]);
        foreach (var (b, t, h) in Queries(q))
        {
            var (query, head) = ((b * q.Shape[1] + t) * q.Shape[2] + h, h / (q.Shape[2] / k.Shape[2]));
            var seen = Seen(o.Mask, o.Window, t, q.Shape[1], k.Shape[1]).ToArray();
            var keys = seen.Select(s => (b * k.Shape[1] + s) * k.Shape[2] + head).ToArray();
            var scores = keys.Select(key => o.Scale * Dot(q, query, k, key)).ToArray();
            logSumExp.Data[query] = LogSumExp(sink is null ? scores : [.. scores, sink.Data[h]]);
            for (var i = 0; i < keys.Length; i++)
            {
                AddRow(output, query, Math.Exp(scores[i] - logSumExp.Data[query]), v, keys[i]);
            }
        }

        return [output, logSumExp];
    }

    private static NDArray[] AttendGradient(
        AttendGradient o, NDArray q, NDArray k, NDArray v, NDArray output, NDArray logSumExp, NDArray gradient, NDArray? sink)
    {
        NDArray dq = new(q.Shape), dk = new(k.Shape), dv = new(v.Shape), dSink = new([q.Shape[2]]);
        foreach (var (b, t, h) in Queries(q))
        {
            var (query, head) = ((b * q.Shape[1] + t) * q.Shape[2] + h, h / (q.Shape[2] / k.Shape[2]));

            // With p = softmax(s): dp = g . v, ds = p (dp - sum p dp), and sum p dp = g . output.
            var mean = Dot(gradient, query, output, query);
            foreach (var s in Seen(o.Mask, o.Window, t, q.Shape[1], k.Shape[1]))
            {
                var key = (b * k.Shape[1] + s) * k.Shape[2] + head;
                var p = Math.Exp(o.Scale * Dot(q, query, k, key) - logSumExp.Data[query]);
                var ds = p * (Dot(gradient, query, v, key) - mean) * o.Scale;
                AddRow(dv, key, p, gradient, query);
                AddRow(dq, query, ds, k, key);
                AddRow(dk, key, ds, q, query);
            }

            if (sink is not null)
            {
                dSink.Data[h] -= Math.Exp(sink.Data[h] - logSumExp.Data[query]) * mean;
            }
        }

        return sink is null ? [dq, dk, dv] : [dq, dk, dv, dSink];
    }

    private static IEnumerable<(int Batch, int Time, int Head)> Queries(NDArray q) =>
        from b in Enumerable.Range(0, q.Shape[0])
        from t in Enumerable.Range(0, q.Shape[1])
        from h in Enumerable.Range(0, q.Shape[2])
        select (b, t, h);

    // Queries are the last ones of the keys' time.
    private static IEnumerable<int> Seen(AttentionMask mask, int window, int t, int queries, int keys)
    {
        var own = t + keys - queries;
        return Enumerable.Range(0, keys).Where(s => mask == AttentionMask.None || (s <= own && (window == 0 || own - s < window)));
    }

    private static double Dot(NDArray x, int row, NDArray y, int other)
    {
        var sum = 0.0;
        for (var i = 0; i < x.Last; i++)
        {
            sum += x.Data[row * x.Last + i] * y.Data[other * y.Last + i];
        }

        return sum;
    }

    private static void AddRow(NDArray target, int row, double scale, NDArray x, int other)
    {
        for (var i = 0; i < x.Last; i++)
        {
            target.Data[row * x.Last + i] += scale * x.Data[other * x.Last + i];
        }
    }
}
