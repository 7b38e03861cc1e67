using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Attention
{
    private struct ForwardArguments
    {
        public AttentionShape Shape;
        public nint* Scratch;
        public float* Q;
        public float* K;
        public float* V;
        public float* Sink;
        public float* Output;
        public float* Lse;
        public long KeyBatch;
        public long ValueBatch;
        public int Past;
        public int Splits;
        public int RowsPerSplit;
    }

    /// <summary>The dense copies and tiles of one unit of work.</summary>
    private struct ForwardTiles
    {
        public float* Keys;
        public float* Values;
        public float* Queries;
        public float* Scores;
        public float* Output;
        public float* Max;
        public float* Sum;

        public static long Place(in AttentionShape s, int keys, float* memory, out ForwardTiles t)
        {
            var bump = new Bump(memory);
            t = new ForwardTiles
            {
                Keys = bump.Take((long)RoundUp(keys, AttentionTiles.Width) * s.KeyWidth),
                Values = bump.Take((long)keys * Dense(s.ValueWidth)),
                Queries = bump.Take(QueryTile * Dense(s.KeyWidth)),
                Scores = bump.Take(QueryTile * (KeyTile(s) + Skew)),
                Output = bump.Take(QueryTile * Dense(s.ValueWidth)),
                Max = bump.Take(QueryTile),
                Sum = bump.Take(QueryTile),
            };
            return bump.Used * sizeof(float);
        }
    }

    private static void Forward(Team team, ForwardArguments a)
    {
        // A unit of work is a range of rows of one key head. Rows do not touch each other, so the ranges do not show in the result; they are
        // wide enough that copying the keys and values costs little beside the products.
        var rows = a.Shape.Queries * a.Shape.Group;
        var heads = a.Shape.Batch * a.Shape.KeyHeads;
        var splits = Math.Clamp(64 / Math.Max(heads, 1), 1, Groups(rows, 2 * QueryTile));
        a.RowsPerSplit = RoundUp(Groups(rows, splits), QueryTile);
        a.Splits = Groups(rows, a.RowsPerSplit);
        long bytes = 0;
        for (var begin = 0; begin < rows; begin += a.RowsPerSplit)
        {
            var (from, to) = KeysOf(a, begin, Math.Min(begin + a.RowsPerSplit, rows));
            bytes = Math.Max(bytes, ForwardTiles.Place(a.Shape, to - from, null, out _));
        }

        var scratch = stackalloc nint[team.Threads];
        Reserve(team, bytes, scratch);
        a.Scratch = scratch;
        team.Run(&ForwardChunk, &a, heads * a.Splits);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardChunk(void* arguments, int chunk, int worker)
    {
        ref readonly var a = ref *(ForwardArguments*)arguments;
        ref readonly var s = ref a.Shape;
        // Under a causal mask later rows see more keys; they go first, so that no thread is left with a long unit at the end.
        var heads = s.Batch * s.KeyHeads;
        var begin = (a.Splits - 1 - (chunk / heads)) * a.RowsPerSplit;
        var end = Math.Min(begin + a.RowsPerSplit, s.Queries * s.Group);
        var (batch, head) = Math.DivRem(chunk % heads, s.KeyHeads);

        var (keyBegin, keyEnd) = KeysOf(a, begin, end);
        var keys = keyEnd - keyBegin;
        ForwardTiles.Place(s, keys, (float*)a.Scratch[worker], out var t);
        var k = a.K + (batch * a.KeyBatch) + (keyBegin * s.KeyStride) + ((long)head * s.KeyWidth);
        var v = a.V + (batch * a.ValueBatch) + (keyBegin * s.ValueStride) + ((long)head * s.ValueWidth);
        AttentionPacking.Transpose(k, s.KeyStride, keys, s.KeyWidth, t.Keys);
        AttentionPacking.Copy(v, s.ValueStride, keys, s.ValueWidth, t.Values, Dense(s.ValueWidth));

        for (var first = begin; first < end; first += QueryTile)
        {
            var count = Math.Min(QueryTile, end - first);
            LoadQueries(a, t, batch, head, first, count);
            for (var key = s.Visible(first, a.Past).Begin / KeyTile(s) * KeyTile(s); key < s.Visible(first + count - 1, a.Past).End; key += KeyTile(s))
            {
                ForwardTile(a, t, first, count, key, keyBegin);
            }

            StoreOutput(a, t, batch, head, first, count);
        }
    }

    /// <summary>The keys that a range of rows sees, from the start of a tile on.</summary>
    private static (int Begin, int End) KeysOf(in ForwardArguments a, int begin, int end)
    {
        ref readonly var s = ref a.Shape;
        return (s.Visible(begin, a.Past).Begin / KeyTile(s) * KeyTile(s), s.Visible(end - 1, a.Past).End);
    }

    private static void LoadQueries(in ForwardArguments a, in ForwardTiles t, int batch, int head, int first, int count)
    {
        ref readonly var s = ref a.Shape;
        var ld = Dense(s.KeyWidth);
        for (var i = 0; i < RoundUp(count, AttentionTiles.Height); i++)
        {
            if (i >= count)
            {
                Rows.Clear(t.Queries + (i * ld), ld);
                continue;
            }

            var (token, member) = Math.DivRem(first + i, s.Group);
            var q = a.Q + ((((long)batch * s.Queries) + token) * s.QueryStride) + ((((long)head * s.Group) + member) * s.KeyWidth);
            AttentionPacking.CopyRow(q, s.Scale * Rows.Log2E, s.KeyWidth, t.Queries + (i * ld), ld);
            // A sink is a logit that is already in the sum.
            t.Max[i] = a.Sink is null ? float.NegativeInfinity : a.Sink[(head * s.Group) + member] * Rows.Log2E;
            t.Sum[i] = a.Sink is null ? 0 : 1;
        }
    }

    private static void ForwardTile(in ForwardArguments a, in ForwardTiles t, int first, int count, int key, int packedFrom)
    {
        const int height = AttentionTiles.Height;
        const int width = AttentionTiles.Width;
        ref readonly var s = ref a.Shape;
        var keys = Math.Min(KeyTile(s), s.Visible(first + count - 1, a.Past).End - key);
        var (ldQ, ldV, ldS) = (Dense(s.KeyWidth), Dense(s.ValueWidth), KeyTile(s) + Skew);
        for (var x = 0; x < keys; x += width)
        {
            var panel = t.Keys + ((long)(key - packedFrom + x) * s.KeyWidth);
            for (var i = 0; i < count; i += height)
            {
                var (from, to) = VisibleInTile(s, a.Past, first + i, Math.Min(height, count - i), key, keys);
                if (x < to && x + width > from)
                {
                    AttentionTiles.Multiply(t.Queries + (i * ldQ), ldQ, panel, width, t.Scores + (i * ldS) + x, ldS, s.KeyWidth, false);
                }
            }
        }

        for (var i = 0; i < count; i += height)
        {
            var rows = Math.Min(height, count - i);
            var (from, to) = VisibleInTile(s, a.Past, first + i, rows, key, keys);
            var isFirst = s.Visible(first + i, a.Past).Begin >= key;
            for (var r = i; r < i + rows && from < to; r++)
            {
                var (rowFrom, rowTo) = VisibleInTile(s, a.Past, first + r, 1, key, keys);
                var keep = SoftmaxRow(t.Scores + (r * ldS), from, to, rowFrom, rowTo, ref t.Max[r], ref t.Sum[r]);
                if (!isFirst && keep != 1)
                {
                    Rows.Scale(t.Output + (r * ldV), t.Output + (r * ldV), keep, ldV);
                }
            }
        }

        for (var x = 0; x < s.ValueWidth; x += width)
        {
            var values = t.Values + ((long)(key - packedFrom) * ldV) + x;
            for (var i = 0; i < count; i += height)
            {
                var (from, to) = VisibleInTile(s, a.Past, first + i, Math.Min(height, count - i), key, keys);
                var isFirst = s.Visible(first + i, a.Past).Begin >= key;
                if (from < to)
                {
                    AttentionTiles.Multiply(
                        t.Scores + (i * ldS) + from, ldS, values + (from * ldV), ldV, t.Output + (i * ldV) + x, ldV, to - from, !isFirst);
                }
            }
        }
    }

    /// <summary>The keys, counted from the start of a tile, that any of some consecutive rows sees; empty if none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (int From, int To) VisibleInTile(in AttentionShape s, int past, int row, int rows, int key, int keys)
    {
        var from = s.Visible(row, past).Begin - key;
        var to = s.Visible(row + rows - 1, past).End - key;
        return (Math.Max(from, 0), Math.Min(to, keys));
    }

    /// <summary>
    /// Turns scores (in powers of two) into unnormalised probabilities: those of columns from .. to, of which the row sees begin .. end; the others become 0.
    /// Returns the factor that takes what was summed before to the new maximum.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float SoftmaxRow(float* scores, int from, int to, int begin, int end, ref float max, ref float sum)
    {
        from &= -Rows.Lanes;
        to = RoundUp(to, Rows.Lanes);
        if (begin >= end)
        {
            Rows.Clear(scores + from, to - from);
            return 1;
        }

        var low = begin & -Rows.Lanes;
        var high = RoundUp(end, Rows.Lanes);
        Hide(scores, low, begin, end, high);
        var largest = Vector512.Load(scores + low);
        for (var i = low + Rows.Lanes; i < high; i += Rows.Lanes)
        {
            largest = Vector512.MaxNative(largest, Vector512.Load(scores + i));
        }

        var newMax = Math.Max(max, Rows.Largest(largest));
        var shift = Vector512.Create(newMax);
        var total = Vector512<float>.Zero;
        for (var i = low; i < high; i += Rows.Lanes)
        {
            var p = Rows.Exp2(Vector512.Load(scores + i) - shift);
            total += p;
            p.Store(scores + i);
        }

        var keep = Rows.Exp2(Vector512.Create(max - newMax)).ToScalar();
        sum = MathF.FusedMultiplyAdd(sum, keep, Vector512.Sum(total));
        max = newMax;
        Rows.Clear(scores + from, Math.Max(0, low - from));
        Rows.Clear(scores + high, Math.Max(0, to - high));
        return keep;
    }

    /// <summary>Sets scores outside begin .. end to minus infinity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Hide(float* scores, int low, int begin, int end, int high)
    {
        for (var i = low; i < begin; i++)
        {
            scores[i] = float.NegativeInfinity;
        }

        for (var i = end; i < high; i++)
        {
            scores[i] = float.NegativeInfinity;
        }
    }

    private static void StoreOutput(in ForwardArguments a, in ForwardTiles t, int batch, int head, int first, int count)
    {
        ref readonly var s = ref a.Shape;
        for (var i = 0; i < count; i++)
        {
            var (token, member) = Math.DivRem(first + i, s.Group);
            var row = ((long)batch * s.Queries) + token;
            var queryHead = (head * s.Group) + member;
            Rows.Scale(t.Output + (i * Dense(s.ValueWidth)), a.Output + (row * s.OutputStride) + ((long)queryHead * s.ValueWidth), 1 / t.Sum[i], s.ValueWidth);
            if (a.Lse is not null)
            {
                a.Lse[(row * s.Heads) + queryHead] = (t.Max[i] * Rows.Ln2) + MathF.Log(t.Sum[i]);
            }
        }
    }
}
