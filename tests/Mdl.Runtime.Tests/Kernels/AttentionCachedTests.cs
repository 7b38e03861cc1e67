using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

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
        const int Batch = 2;
        var capacity = past + queries + 3;
        var random = new Random(1);
        var s = AttentionTests.Shape(queries, past + queries, heads, keyHeads, keyWidth, valueWidth, Batch, causal: true, window) with
        {
            QueryStride = heads * keyWidth, KeyStride = keyHeads * keyWidth, ValueStride = keyHeads * valueWidth, OutputStride = heads * valueWidth,
        };
        using var q = Draw.Normal(random, Batch * queries * s.QueryStride);
        using var k = Draw.Normal(random, Batch * queries * s.KeyStride);
        using var v = Draw.Normal(random, Batch * queries * s.ValueStride);
        using var sink = Draw.Normal(random, heads);
        using var firstKeys = Draw.Normal(random, Batch * capacity * s.KeyStride);
        using var firstValues = Draw.Normal(random, Batch * capacity * s.ValueStride);
        float[]? bits = null;
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var team = new Team(threads);
            using var keys = Memory<float>.Of(firstKeys.Span.ToArray());
            using var values = Memory<float>.Of(firstValues.Span.ToArray());
            using var output = new Memory<float>(Batch * queries * s.OutputStride);
            Attention.Cached(
                team, s, q.Data, k.Data, v.Data, hasSink ? sink.Data : null, keys.Data, values.Data, past, capacity, output.Data);
            AssertAppended(firstKeys, k, keys, past, queries, capacity, (int)s.KeyStride);
            AssertAppended(firstValues, v, values, past, queries, capacity, (int)s.ValueStride);
            var reference = new AttentionReference(
                s, Wide(q.Span), Seen(keys, past + queries, capacity, (int)s.KeyStride), Seen(values, past + queries, capacity, (int)s.ValueStride),
                hasSink ? Wide(sink.Span) : null, past);
            // Single-precision scores err by about 1e-6, and so do the probabilities.
            Close.Assert(reference.Output, output.Span, 1e-5, "output");
            output.AssertGuardsIntact();
            bits ??= output.Span.ToArray();
            Assert.Equal(bits, output.Span.ToArray());
        }
    }

    [Fact]
    public void CallsAllocateNothing()
    {
        using var team = new Team(2);
        var random = new Random(2);
        using var x = Draw.Normal(random, 1000);
        using var keys = Draw.Normal(random, 600 * 32);
        using var values = Draw.Normal(random, 600 * 32);
        using var output = new Memory<float>(1000);
        foreach (var queries in new[] { 1, 5 })
        {
            var s = AttentionTests.Shape(queries, 500 + queries, 4, 2, 16, 16, 1, causal: true, 0) with
            {
                QueryStride = 64, KeyStride = 32, ValueStride = 32, OutputStride = 64,
            };
            Assert.Equal(0, Garbage.Of(() => Attention.Cached(team, s, x.Data, x.Data, x.Data, null, keys.Data, values.Data, 500, 600, output.Data)));
        }
    }

    private static void AssertAppended(Memory<float> before, Memory<float> added, Memory<float> after, int past, int count, int capacity, int width)
    {
        var expected = before.Span.ToArray();
        for (var batch = 0; batch < before.Length / (capacity * width); batch++)
        {
            added.Span.Slice(batch * count * width, count * width).CopyTo(expected.AsSpan(((batch * capacity) + past) * width));
        }

        Assert.Equal(expected, after.Span.ToArray());
        after.AssertGuardsIntact();
    }

    private static double[] Seen(Memory<float> cache, int tokens, int capacity, int width) =>
        [.. Enumerable.Range(0, cache.Length / (capacity * width)).SelectMany(batch => Wide(cache.Span.Slice(batch * capacity * width, tokens * width)))];

    private static double[] Wide(ReadOnlySpan<float> values) => [.. values.ToArray().Select(x => (double)x)];
}
