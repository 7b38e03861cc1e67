using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Attention
{
    private const int DeltaTokens = 32;

    private struct BackwardArguments
    {
        public AttentionShape Shape;
        public MicroKernels Kernels;
        public nint* Scratch;
        public float* Q;
        public float* K;
        public float* V;
        public float* Sink;
        public float* Output;
        public float* Lse;

        // For each key head the rows' log-sum-exp (to the base 2) and, behind those of all heads, the rows' mean of the gradients of scores.
        public float* RowLse;
        public float* RowDelta;
        public float* OutputGradient;
        public float* QueryGradient;
        public long QueryGradientStride;
        public float* KeyGradient;
        public long KeyGradientStride;
        public float* ValueGradient;
        public long ValueGradientStride;
        public float* SinkGradient;
    }

    /// <summary>
    /// Gradients of q, k, v and the sinks, from the output, the log-sum-exp and the gradient of the output; all are overwritten. The heads of a token's
    /// gradients lie one behind the other, tokens lie the given strides apart.
    /// </summary>
    /// <param name="team">Threads.</param>
    /// <param name="s">Sizes and strides, as for <see cref="Forward(Team, in AttentionShape, float*, float*, float*, float*, float*, float*)"/>.</param>
    /// <param name="q">Queries.</param>
    /// <param name="k">Keys.</param>
    /// <param name="v">Values.</param>
    /// <param name="sink">Sinks, or null.</param>
    /// <param name="output">The output.</param>
    /// <param name="lse">The log-sum-exp.</param>
    /// <param name="dOutput">Gradient of the output, laid out as the output.</param>
    /// <param name="dq">Receives the gradient of q.</param>
    /// <param name="dqStride">Floats between tokens of dq.</param>
    /// <param name="dk">Receives the gradient of k.</param>
    /// <param name="dkStride">Floats between tokens of dk.</param>
    /// <param name="dv">Receives the gradient of v.</param>
    /// <param name="dvStride">Floats between tokens of dv.</param>
    /// <param name="dSink">Receives the gradient of the sinks [Heads]; unused without sinks.</param>
    public static void Backward(
        Team team, in AttentionShape s, float* q, float* k, float* v, float* sink, float* output, float* lse, float* dOutput,
        float* dq, long dqStride, float* dk, long dkStride, float* dv, long dvStride, float* dSink)
    {
        var scratch = stackalloc nint[team.Threads];
        using var hold = team.Hold();
        Rows.Reserve(team, BackwardTiles.Place(s, team.Kernels, null, out _), scratch);
        var rows = (long)s.Batch * s.Queries * s.Heads;
        var shared = (float*)team.SharedScratch(2 * rows * sizeof(float));
        var a = new BackwardArguments
        {
            Shape = s, Kernels = team.Kernels, Scratch = scratch, RowLse = shared, RowDelta = shared + rows,
            Q = q, K = k, V = v, Sink = sink, Output = output, Lse = lse, OutputGradient = dOutput,
            QueryGradient = dq, QueryGradientStride = dqStride, KeyGradient = dk, KeyGradientStride = dkStride,
            ValueGradient = dv, ValueGradientStride = dvStride, SinkGradient = dSink,
        };

        // One unit for each key head computes every tile once (five products). With fewer units than keep the threads busy, one unit for each tile
        // of keys and one for each tile of queries compute the tiles twice (seven products). Each element gathers the same terms in the same order.
        var heads = s.Batch * s.KeyHeads;
        var arguments = Unsafe.AsPointer(ref a);
        team.Run(&DeltaChunk, arguments, Groups(s.Batch * s.Queries, DeltaTokens));
        var perThread = Groups(heads, team.Threads);
        if (perThread * 5L * team.Threads <= heads * 7L)
        {
            team.Run(&BackwardHead, arguments, heads);
        }
        else
        {
            team.Run(&BackwardTile, arguments, heads * (Groups(s.Keys, KeyTile(s)) + Groups(s.Queries * s.Group, QueryTile(s))));
        }

        if (sink is not null)
        {
            team.Run(&BackwardSink, arguments, s.Heads);
        }
    }

    /// <summary>What every tile needs of its rows: the log-sum-exp and the mean gradient of the scores, which is the product of gradient and output.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DeltaChunk(void* arguments, int chunk, int worker)
    {
        ref readonly var a = ref Unsafe.AsRef<BackwardArguments>(arguments);
        ref readonly var s = ref a.Shape;
        for (var row = chunk * DeltaTokens; row < Math.Min((chunk + 1) * DeltaTokens, s.Batch * s.Queries); row++)
        {
            var (batch, token) = Math.DivRem(row, s.Queries);
            for (var queryHead = 0; queryHead < s.Heads; queryHead++)
            {
                var (head, member) = Math.DivRem(queryHead, s.Group);
                var at = (row * s.OutputStride) + ((long)queryHead * s.ValueWidth);
                var to = FirstRow(s, batch, head) + (token * s.Group) + member;
                a.RowLse[to] = a.Lse[((long)row * s.Heads) + queryHead] * Rows.Log2E;
                a.RowDelta[to] = Rows.Dot(a.OutputGradient + at, a.Output + at, s.ValueWidth);
            }
        }
    }

    private static long FirstRow(in AttentionShape s, int batch, int head) => (((long)batch * s.KeyHeads) + head) * s.Queries * s.Group;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardHead(void* arguments, int chunk, int worker)
    {
        ref readonly var a = ref Unsafe.AsRef<BackwardArguments>(arguments);
        BackwardTiles.Place(a.Shape, a.Kernels, (float*)a.Scratch[worker], out var t);
        var (batch, head) = Math.DivRem(chunk, a.Shape.KeyHeads);
        for (var key = 0; key < a.Shape.Keys; key += KeyTile(a.Shape))
        {
            BackwardKeys(a, t, batch, head, key, withQueries: true);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardTile(void* arguments, int chunk, int worker)
    {
        ref readonly var a = ref Unsafe.AsRef<BackwardArguments>(arguments);
        ref readonly var s = ref a.Shape;
        BackwardTiles.Place(s, a.Kernels, (float*)a.Scratch[worker], out var t);
        var heads = s.Batch * s.KeyHeads;
        var (batch, head) = Math.DivRem(chunk % heads, s.KeyHeads);
        var tile = chunk / heads;
        var keyTiles = Groups(s.Keys, KeyTile(s));
        if (tile < keyTiles)
        {
            BackwardKeys(a, t, batch, head, tile * KeyTile(s), withQueries: false);
            return;
        }

        // Under a causal mask later queries have more to do; they go first.
        var first = (Groups(s.Queries * s.Group, QueryTile(s)) - 1 - (tile - keyTiles)) * QueryTile(s);
        var count = Math.Min(QueryTile(s), (s.Queries * s.Group) - first);
        LoadQueries(a, t, batch, head, first, count);
        for (var key = t.Begin[0] / KeyTile(s) * KeyTile(s); key < t.End[count - 1]; key += KeyTile(s))
        {
            var keys = Math.Min(KeyTile(s), s.Keys - key);
            LoadKeys(a, t, batch, head, key, keys, withQueries: true);
            Probabilities(a, t, batch, head, first, count, key, keys);
            AddQueryGradient(a, t, batch, head, first, count, key, keys);
        }
    }

    /// <summary>Gradients of the keys and values of one tile and, if asked for, what the tile adds to the gradients of the queries that see it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardKeys(in BackwardArguments a, in BackwardTiles t, int batch, int head, int key, bool withQueries)
    {
        ref readonly var s = ref a.Shape;
        var keys = Math.Min(KeyTile(s), s.Keys - key);
        LoadKeys(a, t, batch, head, key, keys, withQueries);
        Rows.Clear(t.KeyGradient, (long)keys * Dense(s.KeyWidth));
        Rows.Clear(t.ValueGradient, (long)keys * Dense(s.ValueWidth));
        var (begin, end) = RowsThatSee(s, key, keys);
        for (var first = begin / QueryTile(s) * QueryTile(s); first < end; first += QueryTile(s))
        {
            var count = Math.Min(QueryTile(s), (s.Queries * s.Group) - first);
            LoadQueries(a, t, batch, head, first, count);
            Probabilities(a, t, batch, head, first, count, key, keys);
            AddKeyGradients(a, t, first, count, key, keys);
            if (withQueries)
            {
                AddQueryGradient(a, t, batch, head, first, count, key, keys);
            }
        }

        StoreKeyGradients(a, t, batch, head, key, keys);
    }

    /// <summary>Rows that see any of some consecutive keys.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (int Begin, int End) RowsThatSee(in AttentionShape s, int key, int keys)
    {
        var rows = s.Queries * s.Group;
        if (!s.Causal)
        {
            return (0, rows);
        }

        var end = s.Window > 0 ? (long)s.Group * (key + keys - 1L + s.Window) : rows;
        return ((int)Math.Min(rows, (long)key * s.Group), (int)Math.Min(rows, end));
    }

    /// <summary>dSink = - sum of P(sink) * (dOutput . Output): the sink takes probability from every key of its row and gives no value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardSink(void* arguments, int head, int worker)
    {
        ref readonly var a = ref Unsafe.AsRef<BackwardArguments>(arguments);
        ref readonly var s = ref a.Shape;
        var sum = 0.0;
        for (long row = 0; row < (long)s.Batch * s.Queries; row++)
        {
            var at = (row * s.OutputStride) + ((long)head * s.ValueWidth);
            var p = Math.Exp(a.Sink[head] - a.Lse[(row * s.Heads) + head]);
            sum -= p * Rows.Dot(a.OutputGradient + at, a.Output + at, s.ValueWidth);
        }

        a.SinkGradient[head] = (float)sum;
    }
}
