using System.Runtime.InteropServices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Gemm;

public sealed unsafe class BlockGemmTests
{
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void MatchesTheNaiveProductPackedAndUnpacked(string kernels)
    {
        using var team = KernelSets.Team(kernels, 1);
        var random = new Random(1);
        for (var round = 0; round < 60; round++)
        {
            int m = random.Next(0, 80), n = random.Next(0, 100), k = random.Next(0, 300);
            var accumulate = random.Next(2) == 0;
            var alpha = random.Next(2) == 0 ? 1 : 0.3f;
            using var a = new Operand(random, m, k, (Layout)random.Next(2));
            using var b = new Operand(random, k, n, (Layout)random.Next(2));
            using var c = new Buffer(m * n, accumulate ? 2 : float.NaN);
            using var d = new Buffer(m * n, accumulate ? 2 : float.NaN);
            var scratch = NativeMemory.AlignedAlloc((nuint)(BlockGemm.ScratchBytes(team, m, n, k) + BlockGemm.PackedBytes(team, n, k) + 64), 64);
            BlockGemm.Run(team, a.Matrix, b.Matrix, c.Data, n, m, n, k, alpha, accumulate, scratch);
            BlockGemm.Pack(team, b.Matrix, n, k, (float*)scratch);
            BlockGemm.RunPacked(team, a.Matrix, (float*)scratch, d.Data, n, m, n, k, alpha, accumulate);
            NativeMemory.AlignedFree(scratch);
            Naive.AssertClose((i, j) => a[i, j], (i, j) => b[i, j], c.Data, n, m, n, k, accumulate ? 2 : 0, alpha);
            Assert.Equal(c.Span.ToArray(), d.Span.ToArray());
            c.AssertGuardsIntact();
            d.AssertGuardsIntact();
        }
    }
}
