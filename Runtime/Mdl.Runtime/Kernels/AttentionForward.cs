using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Attention
{
    private const int RangesPerThread = 8;

    private struct ForwardArguments
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
        public long KeyBatch;
        public long ValueBatch;
        public int Past;

        // Where keys and values are in a format other than K and V have.
        public CacheView Cache;
        public int Slot;
        public int Splits;
        public int RowsPerSplit;
    }

    /// <summary>The dense copies and tiles of one unit of work.</summary>
    private struct ForwardTiles
    {
        public float* Keys;
        public float* Values;

        // Floats from one panel of the values' columns to the next.
        public long ValueStep;
        public float* Queries;
        public float* Scores;
        public float* Output;
        public float* Max;
        public float* Sum;
        public int* Begin;
        public int* End;
        public float* Widened;

        public static long Place(in ForwardArguments a, int keys, float* memory, out ForwardTiles t)
        {
            var (s, kernels) = (a.Shape, a.Kernels);
            var bump = new Bump(memory);
            var rows = QueryTile(s);
            t = new ForwardTiles
            {
                Keys = bump.Take((long)RoundUp(keys, kernels.TileColumns) * s.KeyWidth),
                Values = bump.Take((long)keys * RoundUp(s.ValueWidth, kernels.TileColumns)),
                ValueStep = (long)keys * kernels.TileColumns,
                Queries = bump.Take((long)rows * s.KeyWidth),
                Scores = bump.Take(rows * (KeyTile(s) + Skew)),
                Output = bump.Take(rows * Dense(s.ValueWidth)),
                Max = bump.Take(rows),
                Sum = bump.Take(rows),
                Begin = (int*)bump.Take(rows),
                End = (int*)bump.Take(rows),
                Widened = bump.Take(WideningSize(a)),
            };
            return bump.Used * sizeof(float);
        }
    }

    private static void Forward(Team team, ForwardArguments a)
    {
        // A unit of work is a range of rows of one key head. Rows do not touch each other, so the ranges do not show in the result; they are
        // wide enough that packing the keys and values costs little beside the products, and enough of them to share out evenly.
        ref readonly var s = ref a.Shape;
        var rows = s.Queries * s.Group;
        var heads = a.Shape.Batch * a.Shape.KeyHeads;
        var splits = Math.Clamp(RangesPerThread * team.Threads / Math.Max(heads, 1), 1, Groups(rows, 2 * QueryTile(s)));
        a.RowsPerSplit = RoundUp(Groups(rows, splits), QueryTile(s));
        a.Splits = Groups(rows, a.RowsPerSplit);
        long bytes = 0;
        for (var begin = 0; begin < rows; begin += a.RowsPerSplit)
        {
            var (from, to) = KeysOf(a, begin, Math.Min(begin + a.RowsPerSplit, rows));
            bytes = Math.Max(bytes, ForwardTiles.Place(a, to - from, null, out _));
        }

        var scratch = stackalloc nint[team.Threads];
        using var hold = team.Hold();
        Rows.Reserve(team, bytes, scratch);
        a.Scratch = scratch;
        team.Run(&ForwardChunk, Unsafe.AsPointer(ref a), heads * a.Splits);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardChunk(void* arguments, int chunk, int worker)
    {
        ref readonly var a = ref Unsafe.AsRef<ForwardArguments>(arguments);
        ref readonly var s = ref a.Shape;
        // Under a causal mask later rows see more keys; they go first, so that no thread is left with a long unit at the end.
        var heads = s.Batch * s.KeyHeads;
        var begin = (a.Splits - 1 - (chunk / heads)) * a.RowsPerSplit;
        var end = Math.Min(begin + a.RowsPerSplit, s.Queries * s.Group);
        var (batch, head) = Math.DivRem(chunk % heads, s.KeyHeads);

        var (keyBegin, keyEnd) = KeysOf(a, begin, end);
        var keys = keyEnd - keyBegin;
        ForwardTiles.Place(a, keys, (float*)a.Scratch[worker], out var t);
        switch (a.Cache.Format)
        {
            case CacheFormat.BFloat16:
                PackWidened<BFloat16Element>(a, t, head, keyBegin, keys);
                break;
            case CacheFormat.SByte:
                PackWidened<SByteElement>(a, t, head, keyBegin, keys);
                break;
            default:
                var k = a.K + (batch * a.KeyBatch) + (keyBegin * s.KeyStride) + ((long)head * s.KeyWidth);
                var v = a.V + (batch * a.ValueBatch) + (keyBegin * s.ValueStride) + ((long)head * s.ValueWidth);
                AttentionPacking.Transposed(a.Kernels, k, s.KeyStride, keys, s.KeyWidth, t.Keys);
                AttentionPacking.Columns(a.Kernels, v, s.ValueStride, keys, s.ValueWidth, t.Values, t.ValueStep);
                break;
        }

        for (var first = begin; first < end; first += QueryTile(s))
        {
            var count = Math.Min(QueryTile(s), end - first);
            LoadQueries(a, t, batch, head, first, count);
            for (var key = t.Begin[0] / KeyTile(s) * KeyTile(s); key < t.End[count - 1]; key += KeyTile(s))
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

    private static HeadRows QueryRows(in AttentionShape s, float* from, long stride, int width, int batch, int head) =>
        new(from + ((long)batch * s.Queries * stride) + ((long)head * s.Group * width), stride, width, s.Group);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LoadQueries(in ForwardArguments a, in ForwardTiles t, int batch, int head, int first, int count)
    {
        ref readonly var s = ref a.Shape;
        AttentionPacking.Left(a.Kernels, QueryRows(s, a.Q, s.QueryStride, s.KeyWidth, batch, head), first, count, t.Queries);
        var (token, member) = Math.DivRem(first, s.Group);
        for (var i = 0; i < count; i++)
        {
            // A sink is a logit that is already in the sum.
            t.Max[i] = a.Sink is null ? float.NegativeInfinity : a.Sink[(head * s.Group) + member] * Rows.Log2E;
            t.Sum[i] = a.Sink is null ? 0 : 1;
            (t.Begin[i], t.End[i]) = s.VisibleToToken(token + a.Past);
            if (++member == s.Group)
            {
                member = 0;
                token++;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardTile(in ForwardArguments a, in ForwardTiles t, int first, int count, int key, int packedFrom)
    {
        var (height, width) = (a.Kernels.TileRows, a.Kernels.TileColumns);
        ref readonly var s = ref a.Shape;
        var keys = Math.Min(KeyTile(s), t.End[count - 1] - key);
        var (ldV, ldS) = (Dense(s.ValueWidth), KeyTile(s) + Skew);
        var product = TileProduct.OfPanels(a.Kernels, ldS, s.Scale * Rows.Log2E);
        for (var x = 0; x < keys; x += width)
        {
            var panel = t.Keys + ((long)(key - packedFrom + x) * s.KeyWidth);
            for (var i = 0; i < count; i += height)
            {
                var rows = Math.Min(height, count - i);
                if (key + x < t.End[i + rows - 1] && key + x + width > t.Begin[i])
                {
                    product.Run(t.Queries + (i * s.KeyWidth), panel, t.Scores + (i * ldS) + x, rows, Math.Min(width, keys - x), s.KeyWidth, false);
                }
            }
        }

        for (var i = 0; i < count; i += height)
        {
            SoftmaxRows(s, t, i, Math.Min(height, count - i), key, keys);
        }

        product = TileProduct.Of(a.Kernels, ldS, ldV);
        for (var x = 0; x < s.ValueWidth; x += width)
        {
            var values = t.Values + (x / width * t.ValueStep) + ((long)(key - packedFrom) * width);
            for (var i = 0; i < count; i += height)
            {
                var rows = Math.Min(height, count - i);
                var from = Math.Max(t.Begin[i] - key, 0);
                var to = Math.Min(t.End[i + rows - 1] - key, keys);
                if (from < to)
                {
                    product.Run(
                        t.Scores + (i * ldS) + from, values + (from * width), t.Output + (i * ldV) + x, rows, Math.Min(width, s.ValueWidth - x), to - from,
                        accumulate: t.Begin[i] < key);
                }
            }
        }
    }

    /// <summary>
    /// Turns scores (in powers of two) of some consecutive rows into unnormalised probabilities, all 0 where a row does not see a key that another of
    /// the rows sees, and takes what was summed before to the new maxima.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SoftmaxRows(in AttentionShape s, in ForwardTiles t, int first, int count, int key, int keys)
    {
        var (ldV, ldS) = (Dense(s.ValueWidth), KeyTile(s) + Skew);
        var low = Math.Max(t.Begin[first] - key, 0) & -Rows.Lanes;
        var high = RoundUp(Math.Min(t.End[first + count - 1] - key, keys), Rows.Lanes);
        var isFirst = t.Begin[first] >= key;
        for (var r = first; r < first + count && low < high; r++)
        {
            var scores = t.Scores + (r * ldS);
            Hide(scores, low, high, t.Begin[r] - key, t.End[r] - key, float.NegativeInfinity);
            var keep = SoftmaxRow(scores + low, high - low, ref t.Max[r], ref t.Sum[r]);
            if (!isFirst && keep != 1)
            {
                Rows.Scale(t.Output + (r * ldV), t.Output + (r * ldV), keep, ldV);
            }
        }
    }

    /// <summary>
    /// Turns scores into exponentials (to the base 2) relative to the maximum so far; their count is a multiple of the lanes.
    /// Returns the factor that takes what was summed before to the new maximum.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float SoftmaxRow(float* scores, int count, ref float max, ref float sum)
    {
        var largest = Vector512.Load(scores);
        for (var i = Rows.Lanes; i < count; i += Rows.Lanes)
        {
            largest = Vector512.MaxNative(largest, Vector512.Load(scores + i));
        }

        // A row that has not seen a key yet has no maximum; any finite one does.
        var newMax = float.MaxNative(max, Rows.Largest(largest));
        var finite = newMax == float.NegativeInfinity ? 0 : newMax;
        var shift = Vector512.Create(finite);
        var total = Vector512<float>.Zero;
        for (var i = 0; i < count; i += Rows.Lanes)
        {
            var p = Rows.Exp2(Vector512.Load(scores + i) - shift);
            total += p;
            p.Store(scores + i);
        }

        var keep = Rows.Exp2(Vector512.Create(max - finite)).ToScalar();
        sum = MathF.FusedMultiplyAdd(sum, keep, Rows.Sum(total));
        max = newMax;
        return keep;
    }

    /// <summary>Overwrites the elements of low .. high (multiples of the lanes) outside begin .. end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Hide(float* scores, int low, int high, int begin, int end, float value)
    {
        var fill = Vector512.Create(value);
        for (var i = low; i < Math.Min(begin, high); i += Rows.Lanes)
        {
            var seen = Vector512.GreaterThanOrEqual(Vector512<int>.Indices, Vector512.Create(begin - i)).AsSingle();
            Vector512.ConditionalSelect(seen, Vector512.Load(scores + i), fill).Store(scores + i);
        }

        for (var i = Math.Max(end, low) & -Rows.Lanes; i < high; i += Rows.Lanes)
        {
            var seen = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(end - i)).AsSingle();
            Vector512.ConditionalSelect(seen, Vector512.Load(scores + i), fill).Store(scores + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreOutput(in ForwardArguments a, in ForwardTiles t, int batch, int head, int first, int count)
    {
        ref readonly var s = ref a.Shape;
        var ld = Dense(s.ValueWidth);
        for (var i = 0; i < QueryTile(s); i += Rows.Lanes)
        {
            var lse = Vector512.FusedMultiplyAdd(Vector512.Load(t.Max + i), Vector512.Create(Rows.Ln2), Vector512.Log(Vector512.Load(t.Sum + i)));
            lse.Store(t.Max + i);
        }

        var (token, member) = Math.DivRem(first, s.Group);
        for (var i = 0; i < count; i++)
        {
            var row = ((long)batch * s.Queries) + token;
            var queryHead = (head * s.Group) + member;
            Rows.Scale(t.Output + (i * ld), a.Output + (row * s.OutputStride) + ((long)queryHead * s.ValueWidth), 1 / t.Sum[i], s.ValueWidth);
            if (a.Lse is not null)
            {
                a.Lse[(row * s.Heads) + queryHead] = t.Max[i];
            }

            if (++member == s.Group)
            {
                member = 0;
                token++;
            }
        }
    }
}
