using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Kernels;

public sealed unsafe class LossesTests
{
    public static TheoryData<int, int, int> Shapes => new()
    {
        // tokens, width, words: one, odd, one tile, several tiles of words, several tiles of tokens, products that pack an operand for all threads
        { 1, 1, 1 }, { 3, 5, 7 }, { 50, 64, 256 }, { 17, 33, 2500 }, { 1100, 3, 1100 }, { 5000, 2, 300 }, { 650, 60, 700 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void MatchesDoublePrecisionForwardAndBackward(int n, int d, int v) => MatchesDoublePrecision(n, d, v, atOnce: false);

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ForwardAndBackwardAtOnceMatchDoublePrecision(int n, int d, int v) => MatchesDoublePrecision(n, d, v, atOnce: true);

    private static void MatchesDoublePrecision(int n, int d, int v, bool atOnce)
    {
        var random = new Random(1);
        using var h = Draw.Normal(random, n * d);
        using var w = Draw.Normal(random, v * d, 2 / Math.Sqrt(d));
        using var target = Draw.Integers(random, n, v);
        using var dNll = Draw.Normal(random, n);
        using var nll = new Memory<float>(n);
        using var lse = new Memory<float>(n);
        using var dh = new Memory<float>(n * d);
        using var dw = new Memory<float>(v * d);
        float[]? bits = null;
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var team = new Team(threads);
            if (atOnce)
            {
                Losses.LinearCrossEntropyWithGradient(team, h.Data, w.Data, target.Data, dNll.Data, nll.Data, lse.Data, dh.Data, dw.Data, n, d, v);
            }
            else
            {
                Losses.LinearCrossEntropy(team, h.Data, w.Data, target.Data, nll.Data, lse.Data, n, d, v);
                Losses.LinearCrossEntropyGradient(team, h.Data, w.Data, target.Data, lse.Data, dNll.Data, dh.Data, dw.Data, n, d, v);
            }

            float[] results = [.. nll.Span, .. lse.Span, .. dh.Span, .. dw.Span];
            Assert.Equal(bits ??= results, results);
        }

        Compare(h, w, target, dNll, nll, lse, dh, dw, n, d, v);
    }

    private static void Compare(
        Memory<float> h, Memory<float> w, Memory<int> target, Memory<float> dNll, Memory<float> nll, Memory<float> lse, Memory<float> dh, Memory<float> dw,
        int n, int d, int v)
    {
        var reference = new CrossEntropyReference(Wide(h), Wide(w), target.Span.ToArray(), n, d, v);
        // Logits of magnitude up to 8 err by 1e-6 in single precision.
        Close.Assert(reference.Nll, nll.Span, 5e-6, "nll");
        Close.Assert(reference.Lse, lse.Span, 5e-6, "lse");
        var (expectedH, expectedW) = reference.Gradients(Wide(dNll));
        // Probabilities err by as much as the logits; up to 5000 rounded terms are summed.
        Close.Assert(expectedH, dh.Span, 2e-5, "dh");
        Close.Assert(expectedW, dw.Span, 2e-5, "dw");
        foreach (var memory in new[] { nll, lse, dh, dw })
        {
            memory.AssertGuardsIntact();
        }
    }

    [Fact]
    public void TheReferencesGradientsMatchCentralDifferences()
    {
        var random = new Random(2);
        double[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => (2 * random.NextDouble()) - 1)];
        var (h, w, dNll) = (Numbers(3 * 4), Numbers(5 * 4), Numbers(3));
        int[] target = [4, 0, 2];
        double Loss() => new CrossEntropyReference(h, w, target, 3, 4, 5).Nll.Zip(dNll, (a, b) => a * b).Sum();
        var (dh, dw) = new CrossEntropyReference(h, w, target, 3, 4, 5).Gradients(dNll);
        foreach (var (input, gradient) in new[] { (h, dh), (w, dw) })
        {
            CentralDifference.Check(input, gradient, Loss);
        }
    }

    [Fact]
    public void LargeLogitsDoNotOverflow()
    {
        using var team = new Team(1);
        using var h = Memory<float>.Of(300f, -300f);
        using var w = Memory<float>.Of(300f, 0f, -300f);
        using var target = Memory<int>.Of(0, 0);
        using var nll = new Memory<float>(2);
        using var lse = new Memory<float>(2);
        Losses.LinearCrossEntropy(team, h.Data, w.Data, target.Data, nll.Data, lse.Data, 2, 1, 3);
        Assert.Equal([0f, 180000f], nll.Span.ToArray());
        Assert.Equal([90000f, 90000f], lse.Span.ToArray());
    }

    [Fact]
    public void ATargetOutsideTheVocabularyGivesNotANumber()
    {
        using var team = new Team(1);
        using var x = Memory<float>.Of(1f, 2f, 3f);
        using var target = Memory<int>.Of(3);
        using var nll = new Memory<float>(1);
        using var lse = new Memory<float>(1);
        Losses.LinearCrossEntropy(team, x.Data, x.Data, target.Data, nll.Data, lse.Data, 1, 1, 3);
        Assert.True(float.IsNaN(nll[0]));
        Assert.True(float.IsFinite(lse[0]));

        using var dNll = Memory<float>.Of(1f);
        using var dh = new Memory<float>(1);
        using var dw = new Memory<float>(1);
        nll.Data[0] = 0;
        Losses.LinearCrossEntropyWithGradient(team, x.Data, x.Data, target.Data, dNll.Data, nll.Data, lse.Data, dh.Data, dw.Data, 1, 1, 1);
        Assert.True(float.IsNaN(nll[0]));
        Assert.True(float.IsFinite(lse[0]));
    }

    [Fact]
    public void CallsAllocateNothing()
    {
        using var team = new Team(2);
        var random = new Random(3);
        using var h = Draw.Normal(random, 100 * 16);
        using var w = Draw.Normal(random, 50 * 16);
        using var target = Draw.Integers(random, 100, 50);
        using var a = new Memory<float>(100);
        using var b = new Memory<float>(100);
        using var dh = new Memory<float>(1600);
        using var dw = new Memory<float>(800);
        Assert.Equal(0, Garbage.Of(() =>
        {
            Losses.LinearCrossEntropy(team, h.Data, w.Data, target.Data, a.Data, b.Data, 100, 16, 50);
            Losses.LinearCrossEntropyGradient(team, h.Data, w.Data, target.Data, b.Data, a.Data, dh.Data, dw.Data, 100, 16, 50);
            Losses.LinearCrossEntropyWithGradient(team, h.Data, w.Data, target.Data, a.Data, a.Data, b.Data, dh.Data, dw.Data, 100, 16, 50);
        }));
    }

    private static double[] Wide(Memory<float> memory) => [.. memory.Span.ToArray().Select(x => (double)x)];

    private sealed class CrossEntropyReference
    {
        private readonly double[] _h, _w;
        private readonly int[] _target;
        private readonly int _n, _d, _v;

        public CrossEntropyReference(double[] h, double[] w, int[] target, int n, int d, int v)
        {
            (_h, _w, _target, _n, _d, _v) = (h, w, target, n, d, v);
            (Nll, Lse) = (new double[n], new double[n]);
            for (var i = 0; i < n; i++)
            {
                var logits = Logits(i);
                var max = logits.Max();
                Lse[i] = max + Math.Log(logits.Sum(x => Math.Exp(x - max)));
                Nll[i] = Lse[i] - logits[target[i]];
            }
        }

        public double[] Nll { get; }

        public double[] Lse { get; }

        public (double[] H, double[] W) Gradients(double[] dNll)
        {
            var (dh, dw) = (new double[_h.Length], new double[_w.Length]);
            for (var i = 0; i < _n; i++)
            {
                var logits = Logits(i);
                for (var word = 0; word < _v; word++)
                {
                    var g = dNll[i] * (Math.Exp(logits[word] - Lse[i]) - (word == _target[i] ? 1 : 0));
                    for (var x = 0; x < _d; x++)
                    {
                        dh[(i * _d) + x] += g * _w[(word * _d) + x];
                        dw[(word * _d) + x] += g * _h[(i * _d) + x];
                    }
                }
            }

            return (dh, dw);
        }

        private double[] Logits(int token)
        {
            var logits = new double[_v];
            for (var word = 0; word < _v; word++)
            {
                for (var x = 0; x < _d; x++)
                {
                    logits[word] += _h[(token * _d) + x] * _w[(word * _d) + x];
                }
            }

            return logits;
        }
    }
}
