using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Tests.Kernels;

public sealed unsafe class AttentionCachedTests
{
    public static TheoryData<int, int, int, int, int, int, int, bool> Shapes => new()
    {
        // past, queries, heads, key heads, key width, value width, window, sink
        { 0, 1, 4, 2, 64, 64, 0, false },
        { 0, 9, 3, 1, 7, 5, 0, true },
        { 5, 1, 3, 3, 20, 33, 0, true },
        { 255, 1, 4, 1, 64, 64, 0, false },
        { 256, 1, 4, 2, 128, 100, 0, true },
        { 600, 1, 2, 1, 16, 80, 300, false },
        { 600, 1, 2, 1, 16, 80, 1, true },
        { 300, 70, 6, 2, 24, 40, 0, true },
        { 530, 3, 4, 2, 32, 32, 250, false },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void NewTokensSeeTheCacheAndAreAppendedToIt(int past, int queries, int heads, int keyHeads, int keyWidth, int valueWidth, int window, bool hasSink)
    {
        // The second sequence is a step behind and in another slot; a slot between them must stay as it is.
        var first = new SequenceRun(2, past, queries);
        var second = new SequenceRun(0, Math.Max(past - 1, 0), Math.Max(1, queries - 1));
        foreach (var format in Enum.GetValues<CacheFormat>())
        {
            Check([first, second], format, heads, keyHeads, keyWidth, valueWidth, window, hasSink);
        }
    }

    [Fact]
    public void RunsOfAllLengthsMix()
    {
        SequenceRun[] runs = [new(4, 0, 1), new(1, 700, 1), new(0, 3, 40), new(3, 255, 4), new(2, 300, 5), new(5, 511, 2)];
        foreach (var format in Enum.GetValues<CacheFormat>())
        {
            Check(runs, format, heads: 4, keyHeads: 2, keyWidth: 32, valueWidth: 24, window: 0, hasSink: true);
            Check(runs, format, heads: 4, keyHeads: 2, keyWidth: 32, valueWidth: 24, window: 100, hasSink: false);
            Check(runs, format, heads: 8, keyHeads: 1, keyWidth: 48, valueWidth: 64, window: 0, hasSink: false);
        }
    }

    [Theory]
    [InlineData(CacheFormat.Single)]
    [InlineData(CacheFormat.BFloat16)]
    [InlineData(CacheFormat.SByte)]
    public void CallsAllocateNothing(CacheFormat format)
    {
        using var team = new Team(2);
        var random = new Random(2);
        using var x = Draw.Normal(random, 2000);
        using var output = new Memory<float>(2000);
        using var cache = new KeyValueCache([new(2, 16, 16, 1)], 2, 600, format);
        var s = AttentionTests.Shape(1, 1, 4, 2, 16, 16, 1, causal: true, 0) with { QueryStride = 64, KeyStride = 32, ValueStride = 32, OutputStride = 64 };
        Assert.Equal(0, Garbage.Of(() =>
        {
            ReadOnlySpan<SequenceRun> runs = [new(0, 500, 1), new(1, 400, 7)];
            Attention.Cached(team, s, x.Data, x.Data, x.Data, null, cache[0, 0], runs, output.Data);
        }));
    }

    [Fact]
    public void CopiedSlotsAnswerAlike()
    {
        foreach (var format in Enum.GetValues<CacheFormat>())
        {
            using var team = new Team(2);
            using var x = Draw.Normal(new Random(3), 30 * 64);
            using var output = new Memory<float>(64);
            using var cache = new KeyValueCache([new(2, 16, 16, 3)], 2, 40, format);
            var s = AttentionTests.Shape(1, 1, 4, 2, 16, 16, 1, causal: true, 0) with { QueryStride = 64, KeyStride = 32, ValueStride = 32, OutputStride = 64 };
            using var many = new Memory<float>(30 * 64);
            Attention.Cached(team, s, x.Data, x.Data, x.Data, null, cache[0, 2], [new(0, 0, 30)], many.Data);
            cache.Copy(0, 1, 30);
            Attention.Cached(team, s, x.Data, x.Data, x.Data, null, cache[0, 2], [new(0, 30, 1)], output.Data);
            var expected = output.Span.ToArray();
            Attention.Cached(team, s, x.Data, x.Data, x.Data, null, cache[0, 2], [new(1, 30, 1)], output.Data);
            Assert.Equal(expected, output.Span.ToArray());
        }
    }

    private static void Check(
        SequenceRun[] runs, CacheFormat format, int heads, int keyHeads, int keyWidth, int valueWidth, int window, bool hasSink)
    {
        var random = new Random(1);
        var slots = runs.Max(r => r.Slot) + 1;
        var capacity = runs.Max(r => r.Past + r.Count) + 3;
        var total = runs.Sum(r => r.Count);
        var s = AttentionTests.Shape(total, total, heads, keyHeads, keyWidth, valueWidth, 1, causal: true, window) with
        {
            QueryStride = heads * keyWidth, KeyStride = keyHeads * keyWidth, ValueStride = keyHeads * valueWidth, OutputStride = heads * valueWidth,
        };
        using var q = Draw.Normal(random, total * s.QueryStride);
        using var k = Draw.Normal(random, total * s.KeyStride);
        using var v = Draw.Normal(random, total * s.ValueStride);
        using var sink = Draw.Normal(random, heads);
        var pasts = runs.Select(r => (K: Draw.Normal(random, r.Past * s.KeyStride), V: Draw.Normal(random, r.Past * s.ValueStride))).ToArray();
        float[]? bits = null;
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var team = new Team(threads);
            using var cache = new KeyValueCache([new(keyHeads, keyWidth, valueWidth, 2)], slots, capacity, format);
            using var output = new Memory<float>(total * s.OutputStride);
            for (var i = 0; i < runs.Length; i++)
            {
                // What is cached came in chunks, too.
                if (runs[i].Past > 0)
                {
                    using var unused = new Memory<float>(runs[i].Past * s.OutputStride);
                    using var queries = Draw.Normal(random, runs[i].Past * s.QueryStride);
                    Attention.Cached(team, s, queries.Data, pasts[i].K.Data, pasts[i].V.Data, null, cache[0, 1], [new(runs[i].Slot, 0, runs[i].Past)], unused.Data);
                }
            }

            Attention.Cached(team, s, q.Data, k.Data, v.Data, hasSink ? sink.Data : null, cache[0, 1], runs, output.Data);
            var row = 0;
            for (var i = 0; i < runs.Length; i++)
            {
                var (past, count) = (runs[i].Past, runs[i].Count);
                double[] Seen(Memory<float> old, Memory<float> added, long stride) =>
                    [.. Wide(old.Span[..(int)(past * stride)]), .. Wide(added.Span.Slice((int)(row * stride), (int)(count * stride)))];
                var reference = new AttentionReference(
                    s with { Queries = count, Keys = past + count }, Wide(q.Span.Slice(row * (int)s.QueryStride, count * (int)s.QueryStride)),
                    Seen(pasts[i].K, k, s.KeyStride), Seen(pasts[i].V, v, s.ValueStride), hasSink ? Wide(sink.Span) : null, past);
                Close.Assert(
                    reference.Output, output.Span.Slice(row * (int)s.OutputStride, count * (int)s.OutputStride), Tolerance(format), $"{format}, {runs[i]}, output");
                row += count;
            }

            output.AssertGuardsIntact();
            bits ??= output.Span.ToArray();
            Assert.Equal(bits, output.Span.ToArray());
        }

        foreach (var (pastKeys, pastValues) in pasts)
        {
            pastKeys.Dispose();
            pastValues.Dispose();
        }
    }

    private static double Tolerance(CacheFormat format) => format switch
    {
        // Single-precision scores err by about 1e-6, and so do the probabilities.
        CacheFormat.Single => 1e-5,
        // Numbers err by up to 2^-9, values up to about 4 by 0.008; scores of deviation 1 by about as much, which moves probabilities by that share.
        CacheFormat.BFloat16 => 0.02,
        // Numbers err by up to 1/254 of the largest of a head, about 3.5: twice as much as the larger bfloat16.
        _ => 0.04,
    };

    private static double[] Wide(ReadOnlySpan<float> values) => [.. values.ToArray().Select(x => (double)x)];
}
