using System.Runtime.Intrinsics.X86;
using Mdl.Runtime.Assembly;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;
using Product = Mdl.Runtime.Kernels.Gemm;

namespace Mdl.Runtime.Tests.Gemm;

public sealed unsafe class KernelModeTests
{
    [Fact]
    public void TheModeChoosesTheKernels()
    {
        using var portable = new Device(1, KernelMode.Portable);
        Assert.IsType<PortableKernels>(portable.Team.Kernels);
        if (Avx2.IsSupported && Fma.IsSupported)
        {
            using var assembled = new Device(1, KernelMode.Assembled);
            Assert.IsType<AssembledKernels>(assembled.Team.Kernels);
        }
        else
        {
            Assert.Throws<PlatformNotSupportedException>(() => new Device(1, KernelMode.Assembled));
        }
    }

    [Fact]
    public void AllKernelsGiveTheSameBitsWhereMultiplyAddsAreFused()
    {
        if (!Fma.IsSupported)
        {
            return;
        }

        var random = new Random(1);
        foreach (var (m, n, k) in new[] { (100, 70, 600), (13, 33, 5), (12, 32, 256) })
        {
            using var a = new Operand(random, m, k, Layout.Gathered);
            using var b = new Operand(random, k, n, Layout.Transposed);
            float[]? expected = null;
            foreach (string kernels in KernelSets.All)
            {
                using var team = KernelSets.Team(kernels, 2);
                using var c = new Buffer((long)m * n, 0.25f);
                Product.Run(team, a.Matrix, b.Matrix, c.Data, n, m, n, k, accumulate: true);
                expected ??= c.Span.ToArray();
                Assert.Equal(expected, c.Span.ToArray());
            }
        }
    }
}
