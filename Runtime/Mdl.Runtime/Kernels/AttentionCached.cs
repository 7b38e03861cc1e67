using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Attention
{
    // A range of keys is one unit of work of a single query: long enough to outweigh merging, short enough to share a long cache evenly.
    private const int DecodeRange = 256;
    private const int MostRanges = 64;
    private const int AppendRows = 32;

    private struct CachedArguments
    {
        public AttentionShape Shape;
        public nint* Scratch;
        public float* Q;
        public float* K;
        public float* V;
        public float* Sink;
        public float* KeyCache;
        public float* ValueCache;
        public float* Output;
        public float* Partials;
        public int Past;
        public int Capacity;
        public int KeyBegin;
        public int PerRange;
        public int Ranges;

        public readonly float* CachedKey(int batch, int position, int head) =>
            KeyCache + (((((long)batch * Capacity) + position) * Shape.KeyHeads + head) * Shape.KeyWidth);

        public readonly float* CachedValue(int batch, int position, int head) =>
            ValueCache + (((((long)batch * Capacity) + position) * Shape.KeyHeads + head) * Shape.ValueWidth);

        /// <summary>Maximum, divisor and unnormalised output of one query head over one range.</summary>
        public readonly float* Partial(int batch, int queryHead, int range) =>
            Partials + (((((long)batch * Shape.Heads) + queryHead) * Ranges + range) * PartialSize(Shape));
    }

    /// <summary>
    /// Appends the keys and values of s.Queries new tokens at positions past .. to the caches [Batch, capacity, KeyHeads, width], then attends:
    /// query i stands at position past + i and sees what is cached (under the mask). s.Keys is past + s.Queries.
    /// </summary>
    /// <param name="team">Threads.</param>
    /// <param name="s">Sizes and strides of the new tokens.</param>
    /// <param name="q">New queries.</param>
    /// <param name="k">New keys.</param>
    /// <param name="v">New values.</param>
    /// <param name="sink">Sinks, or null.</param>
    /// <param name="keyCache">Keys so far.</param>
    /// <param name="valueCache">Values so far.</param>
    /// <param name="past">Tokens in the cache.</param>
    /// <param name="capacity">Most tokens that the cache holds; at least s.Keys.</param>
    /// <param name="output">Receives the output.</param>
    public static void Cached(
        Team team, in AttentionShape s, float* q, float* k, float* v, float* sink, float* keyCache, float* valueCache, int past, int capacity, float* output)
    {
        var a = new CachedArguments
        {
            Shape = s, Q = q, K = k, V = v, Sink = sink, KeyCache = keyCache, ValueCache = valueCache, Past = past, Capacity = capacity, Output = output,
        };
        if (s.Queries == 1)
        {
            Decode(team, a);
            return;
        }

        team.Run(&AppendChunk, &a, Groups(s.Batch * s.Queries, AppendRows));
        var f = new ForwardArguments
        {
            Shape = s with { KeyStride = (long)s.KeyHeads * s.KeyWidth, ValueStride = (long)s.KeyHeads * s.ValueWidth },
            Kernels = team.Kernels, Q = q, K = keyCache, V = valueCache, Sink = sink, Output = output, Past = past,
            KeyBatch = (long)capacity * s.KeyHeads * s.KeyWidth, ValueBatch = (long)capacity * s.KeyHeads * s.ValueWidth,
        };
        Forward(team, f);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AppendChunk(void* arguments, int chunk, int worker)
    {
        ref readonly var a = ref *(CachedArguments*)arguments;
        ref readonly var s = ref a.Shape;
        for (var row = chunk * AppendRows; row < Math.Min((chunk + 1) * AppendRows, s.Batch * s.Queries); row++)
        {
            var (batch, token) = Math.DivRem(row, s.Queries);
            Rows.Copy(a.K + (row * s.KeyStride), a.CachedKey(batch, a.Past + token, 0), (long)s.KeyHeads * s.KeyWidth);
            Rows.Copy(a.V + (row * s.ValueStride), a.CachedValue(batch, a.Past + token, 0), (long)s.KeyHeads * s.ValueWidth);
        }
    }

    private static int PartialSize(in AttentionShape s) => RoundUp(s.ValueWidth, Rows.Lanes) + Rows.Lanes;

    private static void Decode(Team team, CachedArguments a)
    {
        ref readonly var s = ref a.Shape;
        // Only the keys before the new token count here; the cut into ranges depends on positions alone.
        a.KeyBegin = s.Visible(0, a.Past).Begin;
        var keys = s.Keys - a.KeyBegin;
        a.PerRange = Math.Max(DecodeRange, RoundUp(Groups(keys, MostRanges), DecodeRange));
        a.Ranges = Groups(keys, a.PerRange);
        var partials = (long)s.Batch * s.Heads * a.Ranges * PartialSize(s);
        var scratch = stackalloc nint[team.Threads];
        using var hold = team.Hold();
        Rows.Reserve(team, (long)a.PerRange * s.Group * sizeof(float), scratch);
        a.Scratch = scratch;
        a.Partials = (float*)team.SharedScratch(partials * sizeof(float));
        team.Run(&DecodeRangeChunk, &a, s.Batch * s.KeyHeads * a.Ranges);
        team.Run(&MergeChunk, &a, s.Batch * s.KeyHeads);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeRangeChunk(void* arguments, int chunk, int worker)
    {
        ref readonly var a = ref *(CachedArguments*)arguments;
        ref readonly var s = ref a.Shape;
        var (unit, range) = Math.DivRem(chunk, a.Ranges);
        var (batch, head) = Math.DivRem(unit, s.KeyHeads);
        var begin = a.KeyBegin + (range * a.PerRange);
        var count = Math.Min(a.PerRange, s.Keys - begin);
        if (begin + count > a.Past)
        {
            Rows.Copy(a.K + (batch * s.KeyStride) + ((long)head * s.KeyWidth), a.CachedKey(batch, a.Past, head), s.KeyWidth);
            Rows.Copy(a.V + (batch * s.ValueStride) + ((long)head * s.ValueWidth), a.CachedValue(batch, a.Past, head), s.ValueWidth);
        }

        var scores = (float*)a.Scratch[worker];
        var group = s.Group;
        var q = a.Q + (batch * s.QueryStride) + ((long)head * group * s.KeyWidth);
        var scale = s.Scale * Rows.Log2E;
        var keys = a.CachedKey(batch, begin, head);
        var values = a.CachedValue(batch, begin, head);
        var (keyStride, valueStride) = ((long)s.KeyHeads * s.KeyWidth, (long)s.KeyHeads * s.ValueWidth);
        for (var j = 0; j < count; j += 4)
        {
            // Queries of one group share the keys while these are in the first-level cache.
            for (var i = 0; i < group; i++)
            {
                var query = q + ((long)i * s.KeyWidth);
                var to = scores + (i * a.PerRange) + j;
                if (j + 4 <= count)
                {
                    (Dot4(query, keys + (j * keyStride), keyStride, s.KeyWidth) * scale).Store(to);
                    continue;
                }

                for (var rest = 0; rest < count - j; rest++)
                {
                    to[rest] = scale * Rows.Dot(query, keys + ((j + rest) * keyStride), s.KeyWidth);
                }
            }
        }

        for (var i = 0; i < group; i++)
        {
            var partial = a.Partial(batch, (head * group) + i, range);
            var p = scores + (i * a.PerRange);
            partial[0] = float.NegativeInfinity;
            partial[1] = 0;
            Hide(p, 0, RoundUp(count, Rows.Lanes), 0, count, float.NegativeInfinity);
            SoftmaxRow(p, RoundUp(count, Rows.Lanes), ref partial[0], ref partial[1]);
        }

        for (var i = 0; i < group; i++)
        {
            var sum = a.Partial(batch, (head * group) + i, range) + Rows.Lanes;
            WeightedSum(scores + (i * a.PerRange), values, valueStride, count, sum, s.ValueWidth);
        }
    }

    /// <summary>The inner products of a row with four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Dot4(float* a, float* rows, long stride, int count)
    {
        var s0 = Vector512<float>.Zero;
        var s1 = Vector512<float>.Zero;
        var s2 = Vector512<float>.Zero;
        var s3 = Vector512<float>.Zero;
        var b = rows;
        var c = rows + (2 * stride);
        var i = 0;
        for (; i <= count - Rows.Lanes; i += Rows.Lanes)
        {
            var x = Vector512.Load(a + i);
            s0 = Vector512.FusedMultiplyAdd(x, Vector512.Load(b + i), s0);
            s1 = Vector512.FusedMultiplyAdd(x, Vector512.Load(b + stride + i), s1);
            s2 = Vector512.FusedMultiplyAdd(x, Vector512.Load(c + i), s2);
            s3 = Vector512.FusedMultiplyAdd(x, Vector512.Load(c + stride + i), s3);
        }

        var sums = Vector128.Create(Rows.Sum(s0), Rows.Sum(s1), Rows.Sum(s2), Rows.Sum(s3));
        for (; i < count; i++)
        {
            sums += Vector128.Create(a[i]) * Vector128.Create(b[i], b[stride + i], c[i], c[stride + i]);
        }

        return sums;
    }

    /// <summary>sum = the rows of <paramref name="values"/> weighted by p.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WeightedSum(float* p, float* values, long stride, int count, float* sum, int width)
    {
        var x = 0;
        for (; x <= width - (4 * Rows.Lanes); x += 4 * Rows.Lanes)
        {
            var s0 = Vector512<float>.Zero;
            var s1 = Vector512<float>.Zero;
            var s2 = Vector512<float>.Zero;
            var s3 = Vector512<float>.Zero;
            var value = values + x;
            for (var j = 0; j < count; j++, value += stride)
            {
                var weight = Vector512.Create(p[j]);
                s0 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(value), s0);
                s1 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(value + Rows.Lanes), s1);
                s2 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(value + (2 * Rows.Lanes)), s2);
                s3 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(value + (3 * Rows.Lanes)), s3);
            }

            s0.Store(sum + x);
            s1.Store(sum + x + Rows.Lanes);
            s2.Store(sum + x + (2 * Rows.Lanes));
            s3.Store(sum + x + (3 * Rows.Lanes));
        }

        Rows.Clear(sum + x, width - x);
        for (var j = 0; j < count && x < width; j++)
        {
            Rows.AddScaled(values + (j * stride) + x, sum + x, p[j], width - x);
        }
    }

    /// <summary>Brings the ranges of one key head's queries to a common maximum, in order, and divides.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MergeChunk(void* arguments, int chunk, int worker)
    {
        ref readonly var a = ref *(CachedArguments*)arguments;
        ref readonly var s = ref a.Shape;
        var (batch, head) = Math.DivRem(chunk, s.KeyHeads);
        for (var queryHead = head * s.Group; queryHead < (head + 1) * s.Group; queryHead++)
        {
            var sink = a.Sink is null ? float.NegativeInfinity : a.Sink[queryHead] * Rows.Log2E;
            var max = sink;
            for (var range = 0; range < a.Ranges; range++)
            {
                max = Math.Max(max, a.Partial(batch, queryHead, range)[0]);
            }

            var sum = Rows.Exp2(Vector512.Create(sink - max)).ToScalar();
            for (var range = 0; range < a.Ranges; range++)
            {
                var partial = a.Partial(batch, queryHead, range);
                partial[0] = Rows.Exp2(Vector512.Create(partial[0] - max)).ToScalar();
                sum = MathF.FusedMultiplyAdd(partial[1], partial[0], sum);
            }

            var output = a.Output + (batch * s.OutputStride) + ((long)queryHead * s.ValueWidth);
            Rows.Clear(output, s.ValueWidth);
            for (var range = 0; range < a.Ranges; range++)
            {
                var partial = a.Partial(batch, queryHead, range);
                Rows.AddScaled(partial + Rows.Lanes, output, partial[0] / sum, s.ValueWidth);
            }
        }
    }
}
