using System.Globalization;
using System.Runtime.Intrinsics.X86;
using Mdl.Runtime.Assembly;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Kernels;

public sealed unsafe class AttentionTests
{
    public static TheoryData<int, int, int, int, int, int, bool, int, bool> Shapes => new()
    {
        // tokens, heads, key heads, key width, value width, batch, causal, window, sink
        { 1, 1, 1, 1, 1, 1, true, 0, false },
        { 1, 4, 2, 64, 64, 2, true, 0, true },
        { 2, 3, 1, 7, 5, 1, true, 1, false },
        { 13, 5, 5, 16, 48, 1, false, 0, false },
        { 33, 6, 2, 20, 33, 3, true, 0, true },
        { 100, 4, 1, 64, 64, 1, true, 17, true },
        { 129, 2, 2, 192, 128, 1, true, 0, false },
        { 256, 4, 2, 64, 64, 1, true, 0, false },
        { 257, 3, 3, 40, 24, 1, true, 300, false },
        { 300, 7, 1, 65, 31, 1, true, 0, true },
        { 530, 2, 1, 32, 32, 1, true, 40, true },
        { 530, 2, 1, 32, 32, 1, false, 0, true },
        { 700, 1, 1, 33, 16, 1, true, 256, false },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void MatchesTheReferenceForwardAndBackward(
        int tokens, int heads, int keyHeads, int keyWidth, int valueWidth, int batch, bool causal, int window, bool sink)
    {
        using var team = new Team(2);
        using var c = new AttentionCase(new Random(1), Shape(tokens, tokens, heads, keyHeads, keyWidth, valueWidth, batch, causal, window), sink);
        c.Run(team);
        c.Check();
    }

    [Fact]
    public void MatchesTheReferenceAtRandomShapes()
    {
        using var team = new Team(2);
        var random = new Random(2);
        for (var i = 0; i < 60; i++)
        {
            var causal = random.Next(3) > 0;
            var queries = random.Next(1, 90);
            var keys = causal ? queries : random.Next(1, 90);
            var keyHeads = random.Next(1, 4);
            var shape = Shape(
                queries, keys, keyHeads * random.Next(1, 5), keyHeads, random.Next(1, 70), random.Next(1, 70), random.Next(1, 3), causal,
                causal && random.Next(2) == 0 ? random.Next(1, 100) : 0);
            using var c = new AttentionCase(random, shape, random.Next(2) == 0);
            c.Run(team);
            c.Check();
        }
    }

    [Theory]
    [InlineData("Avx2")]
    [InlineData("Portable512")]
    [InlineData("Portable256")]
    [InlineData("Portable128")]
    public void MatchesTheReferenceWithEveryFamilyOfMicroKernels(string family)
    {
        MicroKernels? kernels = family switch
        {
            "Avx2" => Avx2.IsSupported && Fma.IsSupported ? AssembledKernels.TryCreate(new Avx2Family()) : PortableKernels.Create(),
            _ => PortableKernels.Create(int.Parse(family["Portable".Length..], CultureInfo.InvariantCulture)),
        };
        Assert.NotNull(kernels);
        using var team = new Team(2, kernels);
        var random = new Random(7);
        foreach (var (tokens, heads, keyWidth, valueWidth, window) in new[] { (33, 4, 20, 33, 0), (310, 2, 64, 40, 0), (310, 2, 7, 5, 60), (520, 4, 8, 16, 0) })
        {
            using var c = new AttentionCase(random, Shape(tokens, tokens, heads, 1, keyWidth, valueWidth, 1, true, window), hasSink: window > 0);
            c.Run(team);
            c.Check();
        }
    }

    [Fact]
    public void FewKeyHeadsOnManyThreadsGiveTheSameBits()
    {
        var random = new Random(3);
        // The last one has so many rows that its tiles are higher.
        foreach (var (tokens, batch, window) in new[] { (530, 1, 0), (530, 1, 100), (530, 3, 0), (1030, 1, 0) })
        {
            using var c = new AttentionCase(random, Shape(tokens, tokens, 2, 1, 48, 80, batch, true, window), hasSink: true);
            float[]? expected = null;
            foreach (var threads in new[] { 1, 2, 3, 5 })
            {
                using var team = new Team(threads);
                c.Run(team);
                expected ??= c.AllBits();
                Assert.Equal(expected, c.AllBits());
            }
        }
    }

    [Fact]
    public void LargeScoresNeitherOverflowNorLoseTheMaximum()
    {
        using var team = new Team(1);
        // Scores of magnitude 1e4, where a softmax without its maximum taken off overflows.
        using var c = new AttentionCase(new Random(4), Shape(70, 70, 2, 1, 16, 8, 1, true, 0), hasSink: false, deviation: 60);
        c.Run(team);
        Assert.DoesNotContain(c.Output.Span.ToArray().Concat(c.DQ.Span.ToArray()), float.IsNaN);
        // Relative: the rounding of one score.
        Close.Assert(c.Reference.Lse, c.Lse.Span, 1e-5, "lse");
    }

    [Fact]
    public void TheReferencesGradientsMatchCentralDifferences()
    {
        var random = new Random(5);
        double[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => (2 * random.NextDouble()) - 1)];
        var s = Shape(4, 4, 4, 2, 3, 2, 2, true, 3);
        var inputs = new[] { Numbers(2 * 4 * 4 * 3), Numbers(2 * 4 * 2 * 3), Numbers(2 * 4 * 2 * 2), Numbers(4) };
        var dOutput = Numbers(2 * 4 * 4 * 2);
        double Loss() => new AttentionReference(s, inputs[0], inputs[1], inputs[2], inputs[3]).Output.Zip(dOutput, (a, b) => a * b).Sum();
        var (dq, dk, dv, dSink) = new AttentionReference(s, inputs[0], inputs[1], inputs[2], inputs[3]).Gradients(dOutput);
        foreach (var (input, gradient) in inputs.Zip([dq, dk, dv, dSink]))
        {
            CentralDifference.Check(input, gradient, Loss);
        }
    }

    [Fact]
    public void CallsAllocateNothing()
    {
        using var team = new Team(2);
        using var c = new AttentionCase(new Random(6), Shape(40, 40, 4, 2, 16, 16, 2, true, 0), hasSink: true);
        Assert.Equal(0, Garbage.Of(() => c.Run(team)));
    }

    internal static AttentionShape Shape(
        int queries, int keys, int heads, int keyHeads, int keyWidth, int valueWidth, int batch, bool causal, int window) => new()
        {
            Batch = batch, Queries = queries, Keys = keys, Heads = heads, KeyHeads = keyHeads, KeyWidth = keyWidth, ValueWidth = valueWidth,
            Causal = causal, Window = window, Scale = (float)(1 / Math.Sqrt(keyWidth)),
        };
}
