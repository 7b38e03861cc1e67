using Mdl.Runtime.RandomNumbers;

namespace Mdl.Runtime.Tests.RandomNumbers;

public sealed class NormalTests
{
    [Fact]
    public void Follows_the_box_muller_formula()
    {
        var philox = new Philox(11, 12);
        var values = new float[64];
        Normal.Fill(philox, 8, 1, values);
        for (var i = 0; i < values.Length; i += 4)
        {
            var (x, y, z, w) = philox.Block((ulong)(8 + i) / 4);
            AssertPair(x, y, values[i], values[i + 1]);
            AssertPair(z, w, values[i + 2], values[i + 3]);
        }

        static void AssertPair(uint radiusBits, uint angleBits, float first, float second)
        {
            var radius = Math.Sqrt(-2 * Math.Log(((radiusBits >> 8) + 1) / (double)(1 << 24)));
            var angle = 2 * Math.PI * (angleBits >> 8) / (1 << 24);
            // f32 arithmetic on values below 6: rounding of the angle (below 2 pi) times the radius gives 6 * 5e-7.
            Assert.Equal(radius * Math.Cos(angle), first, 3e-6);
            Assert.Equal(radius * Math.Sin(angle), second, 3e-6);
        }
    }

    [Fact]
    public void Has_the_moments_of_the_normal_distribution()
    {
        var values = new float[100_000];
        Normal.Fill(new Philox(5, 6), 0, 2, values);
        var mean = values.Average();
        var variance = values.Average(v => (v - mean) * (v - mean));
        var kurtosis = values.Average(v => Math.Pow((v - mean) / Math.Sqrt(variance), 4));
        // Four standard errors: 4 * 2 / sqrt(n); variance 4 * 4 * sqrt(2 / n); kurtosis 4 * sqrt(24 / n).
        Assert.InRange(mean, -0.0253, 0.0253);
        Assert.InRange(variance, 4 - 0.0716, 4 + 0.0716);
        Assert.InRange(kurtosis, 3 - 0.062, 3 + 0.062);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(33)]
    [InlineData(100)]
    public void Numbers_do_not_depend_on_how_many_are_drawn_at_once(int length)
    {
        var all = new float[128];
        Normal.Fill(new Philox(7, 8), 0, 1, all);
        var part = new float[length];
        Normal.Fill(new Philox(7, 8), 12, 1, part);
        Assert.Equal(all.Skip(12).Take(length), part);
    }

    [Fact]
    public void First_index_must_start_a_block() =>
        Assert.Throws<ArgumentException>(() => Normal.Fill(new Philox(1, 1), 2, 1, new float[4]));
}
