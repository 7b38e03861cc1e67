using Mdl.Runtime.RandomNumbers;

namespace Mdl.Runtime.Tests.RandomNumbers;

public sealed class PhiloxTests
{
    // kat_vectors of the Random123 library: counter, key, result.
    [Theory]
    [InlineData(0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x6627E8D5u, 0xE169C58Du, 0xBC57AC4Cu, 0x9B00DBD8u)]
    [InlineData(0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0x408F276Du, 0x41C83B0Eu, 0xA20BC7C6u, 0x6D5451FDu)]
    [InlineData(0x243F6A88u, 0x85A308D3u, 0x13198A2Eu, 0x03707344u, 0xA4093822u, 0x299F31D0u, 0xD16CFE09u, 0x94FDCCEBu, 0x5001E420u, 0x24126EA1u)]
    public void Gives_the_published_answers(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x, uint y, uint z, uint w)
    {
        Assert.Equal((x, y, z, w), Philox.Block(c0, c1, c2, c3, k0, k1));
        var philox = new Philox(((ulong)k1 << 32) | k0, ((ulong)c3 << 32) | c2);
        Assert.Equal((x, y, z, w), philox.Block(((ulong)c1 << 32) | c0));
    }

    [Fact]
    public void Numbers_below_a_bound_fill_the_range_evenly()
    {
        var philox = new Philox(1, 2);
        var counts = new int[10];
        for (ulong i = 0; i < 10_000; i++)
        {
            counts[philox.Below(i, 10)]++;
        }

        // Chi-square with 9 degrees of freedom: above 27.9 once in a thousand draws; the draw is fixed by the seed.
        Assert.InRange(counts.Sum(c => Math.Pow(c - 1000, 2) / 1000), 0, 27.9);
    }

    [Fact]
    public void Uniform_numbers_lie_in_the_unit_interval_with_the_right_mean()
    {
        var philox = new Philox(3, 4);
        var values = Enumerable.Range(0, 10_000).Select(i => philox.Double((ulong)i)).ToList();
        Assert.All(values, v => Assert.InRange(v, 0, Math.BitDecrement(1.0)));
        // Four standard errors of the mean: 4 / sqrt(12 * 10000) = 0.0115.
        Assert.InRange(values.Average(), 0.5 - 0.0115, 0.5 + 0.0115);
    }

    [Fact]
    public void Streams_and_seeds_differ()
    {
        ulong[] values = [new Philox(1, 1).UInt64(0), new Philox(1, 2).UInt64(0), new Philox(2, 1).UInt64(0), new Philox(1, 1).UInt64(1)];
        Assert.Equal(values.Length, values.Distinct().Count());
    }
}
