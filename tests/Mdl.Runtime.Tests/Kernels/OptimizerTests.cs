using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Kernels;

public sealed unsafe class OptimizerTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(17, 3)]
    [InlineData(100_003, 31)]
    public void AdamWFollowsThePaper(int count, int begin)
    {
        const double Rate = 3e-3, Beta1 = 0.9, Beta2 = 0.95, Epsilon = 1e-8, Decay = 0.1, Scale = 0.7;
        var random = new Random(1);
        var total = begin + count + 5;
        using var w = Draw.Normal(random, total);
        using var m = new Memory<float>(total);
        using var v = new Memory<float>(total);
        m.Span.Clear();
        v.Span.Clear();
        using var team = new Team(2);
        var (ew, em, ev) = (Wide(w), new double[total], new double[total]);
        for (var step = 1; step <= 3; step++)
        {
            using var g = Draw.Normal(random, total);
            var numbers = new AdamWStep(
                (float)Rate, (float)Beta1, (float)Beta2, (float)Epsilon, (float)Decay, (float)(1 - Math.Pow(Beta1, step)),
                (float)(1 - Math.Pow(Beta2, step)), (float)Scale);
            for (var i = begin; i < begin + count; i++)
            {
                var gradient = g[i] * Scale;
                em[i] = (Beta1 * em[i]) + ((1 - Beta1) * gradient);
                ev[i] = (Beta2 * ev[i]) + ((1 - Beta2) * gradient * gradient);
                var direction = em[i] / (1 - Math.Pow(Beta1, step)) / (Math.Sqrt(ev[i] / (1 - Math.Pow(Beta2, step))) + Epsilon);
                ew[i] -= Rate * (direction + (Decay * ew[i]));
            }

            var outside = g.Span[(begin + count)..].ToArray();
            Optimizer.AdamW(team, w.Data, g.Data, m.Data, v.Data, begin, count, numbers, zeroGradient: step == 2);
            Assert.Equal(step == 2, g.Span.Slice(begin, count).ToArray().All(x => x == 0));
            Assert.Equal(outside, g.Span[(begin + count)..].ToArray());
        }

        // A few roundings of the weight itself (6e-8 each) and of steps of magnitude 3e-3.
        Close.Assert(ew, w.Span, 3e-7, "w");
        Close.Assert(em, m.Span, 3e-7, "m");
        Close.Assert(ev, v.Span, 3e-7, "v");
    }

    [Fact]
    public void TheNormIsPreciseAndTheSameForAnyNumberOfThreads()
    {
        var random = new Random(2);
        foreach (var n in new[] { 0, 1, 15, 16, 33_000, 200_001 })
        {
            using var g = Draw.Normal(random, n);
            var expected = Wide(g).Sum(x => x * x);
            using var one = new Team(1);
            using var three = new Team(3);
            // Sums in double precision: only the order differs.
            Assert.Equal(expected, Optimizer.SquaredNorm(one, g.Data, n), 1e-12 * (1 + expected));
            Assert.Equal(Optimizer.SquaredNorm(one, g.Data, n), Optimizer.SquaredNorm(three, g.Data, n));
        }
    }

    [Fact]
    public void CallsAllocateNothing()
    {
        using var team = new Team(2);
        using var x = Draw.Normal(new Random(3), 100_000);
        Assert.Equal(0, Garbage.Of(() =>
        {
            Optimizer.SquaredNorm(team, x.Data, 25_000);
            Optimizer.AdamW(
                team, x.Data, x.Data + 25_000, x.Data + 50_000, x.Data + 75_000, 0, 25_000, new AdamWStep(0, 0, 0, 1, 0, 1, 1, 1), zeroGradient: true);
        }));
    }

    private static double[] Wide(Memory<float> memory) => [.. memory.Span.ToArray().Select(x => (double)x)];
}
