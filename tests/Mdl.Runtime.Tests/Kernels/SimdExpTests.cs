using System.Runtime.Intrinsics;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Kernels;

public sealed class SimdExpTests
{
    [Fact]
    public void ExponentialsAreRightToTwoUnits()
    {
        for (var i = -1040; i <= 887; i++)
        {
            // Numbers that are no round ones, from the smallest result that is not 0 to the largest that is finite.
            var x = (i / 10f) + (i % 7 * 0.003f);
            var expected = Math.Exp(x);
            var unit = Math.Max(BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits((float)expected) + 1) - (double)(float)expected, float.Epsilon);
            Assert.InRange(Exp(x), expected - (2 * unit), expected + (2 * unit));
        }
    }

    [Fact]
    public void ExponentialsEndWhereTheTypeDoes()
    {
        Assert.Equal(1, Exp(0));
        Assert.Equal(0, Exp(-104));
        Assert.Equal(0, Exp(-1e30f));
        Assert.Equal(0, Exp(float.NegativeInfinity));
        Assert.Equal(float.PositiveInfinity, Exp(89));
        Assert.Equal(float.PositiveInfinity, Exp(1e30f));
        Assert.Equal(float.PositiveInfinity, Exp(float.PositiveInfinity));
        Assert.Equal(float.NaN, Exp(float.NaN));
    }

    private static float Exp(float x) => Simd.Exp(Vector512.Create(x)).GetElement(11);
}
