using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Attention
{
    // A range of keys is one unit of work of a key head: long enough to outweigh merging, short enough to share a long cache evenly.
    private const int DecodeRange = 256;
    private const int MostRanges = 1024;

    /// <summary>
    /// A run of few tokens, and the units of work that its keys are cut into. A key's unit depends on its position alone (up to 256 Ki keys), so that a
    /// token's bits are the same in a run of several.
    /// </summary>
    private struct DecodeRun
    {
        public SequenceRun Run;
        public long Row;
        public long Partial;
        public int FirstUnit;
        public int KeyBegin;
        public int PerRange;
        public int Ranges;

        public static DecodeRun Of(in AttentionShape s, SequenceRun run, long row, in DecodeRun before)
        {
            var begin = s.Window > 0 ? Math.Max(0, run.Past - s.Window + 1) / DecodeRange * DecodeRange : 0;
            var keys = run.Past + run.Count - begin;
            var perRange = Math.Max(DecodeRange, RoundUp(Groups(keys, MostRanges), DecodeRange));
            return new DecodeRun
            {
                Run = run, Row = row, KeyBegin = begin, PerRange = perRange, Ranges = Groups(keys, perRange),
                FirstUnit = before.FirstUnit + (s.KeyHeads * before.Ranges),
                Partial = before.Partial + ((long)before.Run.Count * s.Heads * before.Ranges * PartialSize(s)),
            };
        }

        /// <summary>Maximum, divisor and unnormalised output of one query head of one token over one range.</summary>
        public readonly float* PartialOf(in CachedArguments a, int token, int queryHead, int range) =>
            a.Partials + Partial + (((((long)token * a.Shape.Heads) + queryHead) * Ranges) + range) * PartialSize(a.Shape);
    }

    private static int PartialSize(in AttentionShape s) => RoundUp(s.ValueWidth, Rows.Lanes) + Rows.Lanes;

    private static void Decode<TElement>(Team team, CachedArguments a, ReadOnlySpan<SequenceRun> runs)
        where TElement : struct, ICacheElement
    {
        var tokens = 0;
        long scores = 0;
        DecodeRun last = default;
        foreach (var run in runs)
        {
            if (run.Count <= FewTokens)
            {
                last = DecodeRun.Of(a.Shape, run, 0, last);
                scores = Math.Max(scores, (long)last.PerRange * run.Count * a.Shape.Group);
                tokens += run.Count;
                a.RunCount++;
            }
        }

        if (tokens == 0)
        {
            return;
        }

        var end = DecodeRun.Of(a.Shape, default, 0, last);
        var scratch = stackalloc nint[team.Threads];
        Rows.Reserve(team, scores * sizeof(float), scratch);
        a.Scratch = scratch;
        a.Partials = (float*)team.SharedScratch((end.Partial * sizeof(float)) + ((long)a.RunCount * sizeof(DecodeRun)));
        a.Runs = (DecodeRun*)(a.Partials + end.Partial);
        (a.RunCount, last) = (0, default);
        long row = 0;
        foreach (var run in runs)
        {
            if (run.Count <= FewTokens)
            {
                a.Runs[a.RunCount++] = last = DecodeRun.Of(a.Shape, run, row, last);
            }

            row += run.Count;
        }

        team.Run(&DecodeRangeChunk<TElement>, &a, end.FirstUnit);
        team.Run(&MergeChunk, &a, a.RunCount * a.Shape.KeyHeads);
    }

    /// <summary>The last run whose first unit is not above the given one.</summary>
    private static ref readonly DecodeRun RunOf(in CachedArguments a, int unit)
    {
        var (low, high) = (0, a.RunCount - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            (low, high) = a.Runs[middle].FirstUnit <= unit ? (middle, high) : (low, middle - 1);
        }

        return ref a.Runs[low];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeRangeChunk<TElement>(void* arguments, int chunk, int worker)
        where TElement : struct, ICacheElement
    {
        ref readonly var a = ref *(CachedArguments*)arguments;
        ref readonly var s = ref a.Shape;
        ref readonly var d = ref RunOf(a, chunk);
        var run = d.Run;
        var (head, range) = Math.DivRem(chunk - d.FirstUnit, d.Ranges);
        var begin = d.KeyBegin + (range * d.PerRange);
        var count = Math.Min(d.PerRange, run.Past + run.Count - begin);
        for (var position = Math.Max(begin, run.Past); position < begin + count; position++)
        {
            Append<TElement>(a, d.Row + position - run.Past, run.Slot, position, head);
        }

        var scores = (float*)a.Scratch[worker];
        var (group, rows) = (s.Group, run.Count * s.Group);
        var keys = a.Cache.Key(run.Slot, begin, head);
        var values = a.Cache.Value(run.Slot, begin, head);
        var (keyStride, valueStride) = ((long)s.KeyHeads * s.KeyWidth * TElement.Bytes, (long)s.KeyHeads * s.ValueWidth * TElement.Bytes);
        var keyScales = a.Cache.KeyScale(run.Slot, begin, head);
        var scale = s.Scale * Rows.Log2E;
        // Groups of four queries widen keys and values together, if their rows are whole vectors; the sums are the same either way. What needs no
        // widening comes faster in longer pieces.
        var four = TElement.Bytes < sizeof(float) && group % CacheProducts.Together == 0 && s.KeyWidth % Rows.Lanes == 0 && s.ValueWidth % (2 * Rows.Lanes) == 0;
        for (var i = 0; four && i < rows; i += CacheProducts.Together)
        {
            var (token, member) = Math.DivRem(i, group);
            var query = a.Q + ((d.Row + token) * s.QueryStride) + ((((long)head * group) + member) * s.KeyWidth);
            CacheProducts.ScoresOfFour<TElement>(
                query, s.KeyWidth, keys, keyStride, keyScales, count, s.KeyWidth, scale, scores + (i * d.PerRange), d.PerRange);
        }

        for (var j = 0; !four && j < count; j += 4)
        {
            // Queries of one group share the keys while these are in the first-level cache.
            for (var i = 0; i < rows; i++)
            {
                var (token, member) = Math.DivRem(i, group);
                var query = a.Q + ((d.Row + token) * s.QueryStride) + ((((long)head * group) + member) * s.KeyWidth);
                CacheProducts.Scores<TElement>(
                    query, keys + (j * keyStride), keyStride, keyScales + j, Math.Min(4, count - j), s.KeyWidth, scale, scores + (i * d.PerRange) + j);
            }
        }

        for (var i = 0; i < rows; i++)
        {
            var (token, member) = Math.DivRem(i, group);
            var partial = d.PartialOf(a, token, (head * group) + member, range);
            var p = scores + (i * d.PerRange);
            var position = run.Past + token;
            var low = s.Window > 0 ? Math.Max(0, position - s.Window + 1 - begin) : 0;
            partial[0] = float.NegativeInfinity;
            partial[1] = 0;
            Hide(p, 0, RoundUp(count, Rows.Lanes), low, Math.Min(count, position + 1 - begin), float.NegativeInfinity);
            SoftmaxRow(p, RoundUp(count, Rows.Lanes), ref partial[0], ref partial[1]);
        }

        var valueScales = a.Cache.ValueScale(run.Slot, begin, head);
        for (var i = 0; four && i < rows; i += CacheProducts.Together)
        {
            var (token, member) = Math.DivRem(i, group);
            var queryHead = (head * group) + member;
            CacheProducts.WeightedSumsOfFour<TElement>(
                scores + (i * d.PerRange), d.PerRange, values, valueStride, valueScales, count, d.PartialOf(a, token, queryHead, range) + Rows.Lanes,
                d.PartialOf(a, token, queryHead + 1, range) + Rows.Lanes, d.PartialOf(a, token, queryHead + 2, range) + Rows.Lanes,
                d.PartialOf(a, token, queryHead + 3, range) + Rows.Lanes, s.ValueWidth);
        }

        for (var i = 0; !four && i < rows; i++)
        {
            var (token, member) = Math.DivRem(i, group);
            var sum = d.PartialOf(a, token, (head * group) + member, range) + Rows.Lanes;
            CacheProducts.WeightedSum<TElement>(
                scores + (i * d.PerRange), values, valueStride, valueScales, count, sum, s.ValueWidth);
        }
    }

    /// <summary>Brings the ranges of one key head's queries to a common maximum, in order, and divides.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MergeChunk(void* arguments, int chunk, int worker)
    {
        ref readonly var a = ref *(CachedArguments*)arguments;
        ref readonly var s = ref a.Shape;
        var (number, head) = Math.DivRem(chunk, s.KeyHeads);
        ref readonly var d = ref a.Runs[number];
        for (var i = 0; i < d.Run.Count * s.Group; i++)
        {
            var (token, member) = Math.DivRem(i, s.Group);
            var queryHead = (head * s.Group) + member;
            var sink = a.Sink is null ? float.NegativeInfinity : a.Sink[queryHead] * Rows.Log2E;
            Merge(d.PartialOf(a, token, queryHead, 0), d.Ranges, sink, a.Output + ((d.Row + token) * s.OutputStride) + ((long)queryHead * s.ValueWidth), s);
        }
    }

    private static void Merge(float* partials, int ranges, float sink, float* output, in AttentionShape s)
    {
        var size = PartialSize(s);
        var max = sink;
        for (var range = 0; range < ranges; range++)
        {
            max = Math.Max(max, partials[range * size]);
        }

        var sum = Exp2(sink - max);
        for (var range = 0; range < ranges; range++)
        {
            var partial = partials + (range * size);
            partial[0] = Exp2(partial[0] - max);
            sum = MathF.FusedMultiplyAdd(partial[1], partial[0], sum);
        }

        Rows.Clear(output, s.ValueWidth);
        for (var range = 0; range < ranges; range++)
        {
            var partial = partials + (range * size);
            Rows.AddScaled(partial + Rows.Lanes, output, partial[0] / sum, s.ValueWidth);
        }
    }

    private static float Exp2(float x) => Rows.Exp2(Vector512.Create(x)).ToScalar();
}
