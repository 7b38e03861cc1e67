using Mdl.Runtime.Devices;
using Mdl.Runtime.Diffusion;
using Mdl.Runtime.Diffusion.Kernel;

namespace Mdl.Runtime.Tests.Diffusion;

public sealed class KernelScoreTests
{
    // Figures from an independent implementation in double precision.
    [Fact]
    public void MatchesPublishedFigures()
    {
        var line = new KernelScore<double>([-1, 0, 2], 1, KernelTail.None);
        var (score, log) = One(line, [0.5], 0.25);
        Assert.Equal(-1.929326311944, score[0], 1e-12);
        Assert.Equal(-1.788427341565, log, 1e-12);

        var plane = new KernelScore<double>([0, 0, 1, 0, 0, 2], 2, KernelTail.None);
        (score, log) = One(plane, [0.5, 0.5], 0.25);
        Assert.Equal(-0.01814943, score[0], 1e-8);
        Assert.Equal(-1.92740228, score[1], 1e-8);
        Assert.Equal(-1.847931672518, log, 1e-12);
    }

    // Rounding only: exponents of the order of |x|^2 / t times the unit of the type.
    [Theory]
    [InlineData(1, 700)]
    [InlineData(2, 3000)]
    [InlineData(2, 256)]
    [InlineData(3, 1500)]
    [InlineData(5, 900)]
    [InlineData(24, 1000)]
    [InlineData(65, 777)]
    public void MatchesTheDefinitionInDoubleAndFloat(int d, int n)
    {
        foreach (var offset in new[] { 0.0, 7.5 })
        {
            var (data, queries) = (Points(n, d, 1, offset), Points(33, d, 2, offset));
            var exact = new KernelScore<double>(data, d, KernelTail.None);
            var single = new KernelScore<float>(Floats(data), d, KernelTail.None);
            foreach (var t in new[] { 0.02, 0.3, 50.0 })
            {
                var (s64, l64) = (new double[queries.Length], new double[33]);
                var (s32, l32) = (new float[queries.Length], new double[33]);
                exact.Score(queries, t, s64, l64);
                single.Score(Floats(queries), t, s32, l32);
                for (var q = 0; q < 33; q++)
                {
                    var (score, log) = KernelReference.Evaluate(data, d, queries.AsSpan(q * d, d), t);
                    Assert.Equal(log, l64[q], 1e-11 * (1 + (d / t)));
                    Assert.Equal(log, l32[q], 4e-6 * (1 + (d * (1 + offset) / t)));
                    for (var j = 0; j < d; j++)
                    {
                        Assert.Equal(score[j], s64[(q * d) + j], 1e-11 * (1 + (d / t)) / t);
                        Assert.Equal(score[j], s32[(q * d) + j], 4e-6 * (1 + (d * (1 + offset) / t)) / Math.Sqrt(t));
                    }
                }
            }
        }
    }

    [Fact]
    public void SkippedBlocksDoNotMatter()
    {
        var (data, queries) = (Floats(Points(20000, 2, 3, 0)), Floats(Points(200, 2, 4, 0)));
        var kernel = new KernelScore<float>(data, 2) { MergesPoints = false };
        foreach (var t in new[] { 1e-4, 0.02, 1 })
        {
            kernel.SkipsBlocks = true;
            var quick = Scores(kernel, queries, t);
            kernel.SkipsBlocks = false;
            var whole = Scores(kernel, queries, t);
            for (var i = 0; i < quick.Length; i++)
            {
                Assert.Equal(whole[i], quick[i], 2e-6 / Math.Sqrt(t));
            }
        }
    }

    // Points on a line, on a grid's corner and on a spiral too: boxes whose data lie on a side, or on one point. Far queries take the data themselves.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void MergedPointsDoNotMatter(int d)
    {
        const int Count = 12000;
        var data = Points(Count, d, 3, 0);
        for (var i = 0; i < Count / 3; i++)
        {
            for (var j = 0; j < d; j++)
            {
                data[(i * d) + j] = (float)(j == 0 ? 1e-3 * i : Math.Sin((1e-3 * i) + j));
                data[((i + (Count / 3)) * d) + j] = i < 500 ? -2 : (float)(data[((i + (Count / 3)) * d) + j] * 0.125);
            }
        }

        var queries = Points(60, d, 4, 0);
        for (var i = 0; i < 20 * d; i++)
        {
            queries[i] *= i % 7;
            queries[(20 * d) + i] *= -i % 3 * 20;
        }

        var (exact, quick) = (new KernelScore<double>(data, d), new KernelScore<double>(data, d));
        var single = new KernelScore<float>(Floats(data), d);
        (exact.SkipsBlocks, exact.MergesPoints) = (false, false);
        var (expected, logExpected) = (new double[queries.Length], new double[60]);
        var (actual, logActual) = (new double[queries.Length], new double[60]);
        var (rounded, logRounded) = (new float[queries.Length], new double[60]);
        foreach (var t in new[] { 1e-4, 0.02, 0.1, 0.3, 1, 3, 10, 1000, 1e6 })
        {
            exact.Score(queries, t, expected, logExpected);
            quick.Score(queries, t, actual, logActual);
            single.Score(Floats(queries), t, rounded, logRounded);
            for (var q = 0; q < 60; q++)
            {
                // The exponent's rounding is a unit of |x - X|^2 / t, and cancelling takes up to 32 units.
                var exponent = 1 + (queries.AsSpan(q * d, d).ToArray().Sum(x => x * x) / t);
                Assert.Equal(logExpected[q], logActual[q], 3e-14 * exponent);
                Assert.Equal(logExpected[q], logRounded[q], 4e-6 * exponent);
                for (var j = 0; j < d; j++)
                {
                    Assert.Equal(expected[(q * d) + j], actual[(q * d) + j], 3e-14 * exponent / Math.Sqrt(t));
                    Assert.Equal(expected[(q * d) + j], rounded[(q * d) + j], 4e-6 * exponent / Math.Sqrt(t));
                }
            }
        }
    }

    // One point at the query and all others at the far end of a box: nodes near the query have weights that cancel, of thousands of times the sum.
    [Fact]
    public void MergedPointsThatCancelAreNotTaken()
    {
        var data = new double[12000];
        for (var i = 1; i < data.Length; i++)
        {
            data[i] = (float)(4.2 + (1e-6 * i));
        }

        var kernel = new KernelScore<float>(Floats(data), 1, KernelTail.None);
        var (score, log) = (new float[1], new double[1]);
        kernel.Score([0f], 1, score, log);
        var (expected, logExpected) = KernelReference.Evaluate(data, 1, [0], 1);
        Assert.Equal(logExpected, log[0], 2e-6);
        Assert.Equal(expected[0], score[0], 4e-6);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    [InlineData(40)]
    public void ResultsDoNotDependOnTheNumberOfThreads(int d)
    {
        var (data, queries) = (Floats(Points(3000, d, 5, 0)), Floats(Points(77, d, 6, 0)));
        float[]? expected = null;
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var device = new Device(threads);
            var scores = Scores(new KernelScore<float>(data, d, device: device), queries, 0.5);
            expected ??= scores;
            Assert.Equal(expected, scores);
        }
    }

    [Fact]
    public void TailsDoWhatTheySay()
    {
        // S = 0.6287 is below sqrt(2 pi): little density by the rule of the threshold.
        double[] data = [-1, 0, 2];
        Assert.Equal(0, One(new(data, 1, KernelTail.Threshold()), [0.5], 0.25).Score[0]);
        Assert.Equal(-1.929326311944, One(new(data, 1, KernelTail.Threshold(0.1)), [0.5], 0.25).Score[0], 1e-12);
        Assert.Equal(-1.929326311944 * 0.628748652789 / Math.Sqrt(2 * Math.PI), One(new(data, 1, KernelTail.Max()), [0.5], 0.25).Score[0], 1e-12);

        // Far away the pseudo-datum N(1/3, 14/9 + t) rules.
        var score = One(new(data, 1), [60], 0.25).Score[0];
        Assert.Equal(-(60 - (1 / 3.0)) / ((14 / 9.0) + 0.25), score, 1e-9);
    }

    // With a pseudo-datum the score must be the derivative of the logarithm of the density, as without.
    [Theory]
    [InlineData(KernelTailKind.None)]
    [InlineData(KernelTailKind.Gaussian)]
    public void TheScoreIsTheDerivativeOfTheLogDensity(KernelTailKind tail)
    {
        const double Step = 1e-5;
        var kernel = new KernelScore<double>(Points(300, 3, 7, 1), 3, new KernelTail(tail));
        var x = new[] { 1.4, 0.3, 2.9 };
        var (score, _) = One(kernel, x, 0.1);
        for (var j = 0; j < 3; j++)
        {
            var (up, down) = ((double[])x.Clone(), (double[])x.Clone());
            up[j] += Step;
            down[j] -= Step;
            Assert.Equal((One(kernel, up, 0.1).Log - One(kernel, down, 0.1).Log) / (2 * Step), score[j], 1e-7);
        }
    }

    // Beside central differences of the score in double precision, whose error is Step^2 of third derivatives, of the order of 1 / t^2.
    [Theory]
    [InlineData(KernelTailKind.None, 1)]
    [InlineData(KernelTailKind.Gaussian, 1)]
    [InlineData(KernelTailKind.None, 1e3)]
    [InlineData(KernelTailKind.Threshold, 1e-3)]
    [InlineData(KernelTailKind.Threshold, 1e9)]
    [InlineData(KernelTailKind.Max, 1e-3)]
    [InlineData(KernelTailKind.Max, 1e9)]
    public void TheJacobianIsTheDerivativeOfTheScore(KernelTailKind kind, double weight)
    {
        const double Step = 1e-5;
        const double Time = 0.2;
        foreach (var d in new[] { 1, 2, 3, 5, 70 })
        {
            var (data, x) = (Points(600, d, 7, 1), Points(3, d, 8, 1.4));
            var kernel = new KernelScore<double>(data, d, new KernelTail(kind, weight)) { SkipsBlocks = weight != 1e3 };
            var single = new KernelScore<float>(Floats(data), d, new KernelTail(kind, weight));
            var (jacobian, rounded) = (new double[3 * d * d], new float[3 * d * d]);
            kernel.ScoreJacobian(x, Time, jacobian);
            single.ScoreJacobian(Floats(x), Time, rounded);
            for (var j = 0; j < d; j++)
            {
                var (up, down) = ((double[])x.Clone(), (double[])x.Clone());
                for (var q = 0; q < 3; q++)
                {
                    up[(q * d) + j] += Step;
                    down[(q * d) + j] -= Step;
                }

                var (high, low) = (new double[x.Length], new double[x.Length]);
                kernel.Score(up, Time, high);
                kernel.Score(down, Time, low);
                for (var i = 0; i < x.Length; i++)
                {
                    var expected = (high[i] - low[i]) / (2 * Step);
                    Assert.Equal(expected, jacobian[(i * d) + j], 1e-6);

                    // Exponents of the order of d / t in single precision.
                    Assert.Equal(expected, rounded[(i * d) + j], 4e-6 * (1 + (d / Time)) / Time);
                }
            }
        }
    }

    [Fact]
    public void BadDataAreNamed()
    {
        Assert.Contains("Point 1 has NaN in column 0", Message([1f, 2, float.NaN, 3]), StringComparison.Ordinal);
        Assert.Contains("must be finite", Message([1f, float.PositiveInfinity, 3, 4]), StringComparison.Ordinal);
        Assert.Contains("at least two points; the data have 1", Message([1f, 2]), StringComparison.Ordinal);
        Assert.Contains("3 numbers are not whole points of 2", Message([1f, 2, 3]), StringComparison.Ordinal);
        Assert.Contains("Column 1 has the same value, 5", Message([1f, 5, 2, 5, 3, 5]), StringComparison.Ordinal);
        Assert.Contains("Column 0 has the same value", Message([0.1f, 1, 0.1f, 2, 0.1f, 3, 0.1f, 4]), StringComparison.Ordinal);
        var kernel = new KernelScore<float>([1f, 5, 2, 5, 3, 5], 2, allowConstantColumns: true);
        Assert.Contains("data's 2 dimensions", Assert.Throws<ArgumentException>(() => kernel.Denoise([1], 1, new float[1])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => kernel.Denoise([1, 1], 0, new float[2]));
        Assert.Throws<ArgumentException>(() => kernel.Denoise([1, 1], 1, new float[4]));
        Assert.Throws<ArgumentException>(() => new KernelScore<float>([1f, 5, 2, 6], 2, KernelTail.Gaussian(0)));
    }

    // A matrix of queries by data would have 400 and 80 MB: a million data in the plane and sixty thousand images fit where their own memory does.
    [Theory]
    [InlineData(2, 100_000, 1000)]
    [InlineData(196, 20_000, 1000)]
    public void MemoryIsThatOfDataAndQueries(int d, int n, int count)
    {
        using var device = new Device(2);
        var (data, queries, scores) = (Floats(Points(n, d, 8, 0)), Floats(Points(count, d, 9, 0)), new float[count * d]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var kernel = new KernelScore<float>(data, d, device: device);
        foreach (var t in new[] { 0.01, 1, 100 })
        {
            kernel.Score(queries, t, scores);
            Assert.All(scores, s => Assert.True(float.IsFinite(s)));
        }

        // The data in blocks, their rows and their order, and in the plane what stands for merged data; some blocks of queries for each thread.
        var bytes = GC.GetAllocatedBytesForCurrentThread() - before + device.Team.ScratchBytes;
        Assert.InRange(bytes, 0, (6L * sizeof(float) * (data.Length + queries.Length)) + (8 << 20));
    }

    [Fact]
    public void EvaluatingAllocatesNothing()
    {
        var kernel = new KernelScore<float>(Floats(Points(2000, 2, 8, 0)), 2);
        var (x, y) = (Floats(Points(100, 2, 9, 0)), new float[200]);
        kernel.Denoise(x, 0.5, y);
        var before = GC.GetAllocatedBytesForCurrentThread();
        kernel.Denoise(x, 0.5, y);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static string Message(float[] data) => Assert.Throws<ArgumentException>(() => new KernelScore<float>(data, 2)).Message;

    private static float[] Scores(KernelScore<float> kernel, float[] queries, double t)
    {
        var scores = new float[queries.Length];
        kernel.Score(queries, t, scores);
        return scores;
    }

    private static (double[] Score, double Log) One(KernelScore<double> kernel, double[] x, double t)
    {
        var (score, log) = (new double[x.Length], new double[1]);
        kernel.Score(x, t, score, log);
        return (score, log[0]);
    }

    // Two groups, so that blocks are of use. Numbers are exact in single precision.
    private static double[] Points(int n, int d, int seed, double offset)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, n * d).Select(i => (double)(float)(offset + (2 * random.NextDouble()) + ((i / d) % 2 * 1.5)))];
    }

    private static float[] Floats(double[] values) => [.. values.Select(v => (float)v)];
}
