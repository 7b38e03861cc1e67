using Mdl.Runtime.Devices;
using Product = Mdl.Runtime.Kernels.Gemm;

namespace Mdl.Runtime.Tests.Gemm;

/// <summary>Products so large that the packed operand is taken in several parts, along the contraction and along the columns.</summary>
public sealed unsafe class SharedOperandTests
{
    // Sums of 4200 products of numbers below 1, added in single precision: the rounding errors of a random walk stay far below this.
    private const double Tolerance = 2e-3;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PartsOfTheOperandAddUp(bool accumulate)
    {
        const int M = 200, N = 2100, K = 4200;
        var random = new Random(4);
        using var team = new Team(2);
        using var a = new Operand(random, M, K, Layout.RowMajor);
        using var b = new Operand(random, K, N, Layout.Transposed);
        using var c = new Buffer((long)M * N, accumulate ? 1 : float.NaN);
        Product.Run(team, a.Matrix, b.Matrix, c.Data, N, M, N, K, accumulate);
        for (var sample = 0; sample < 2000; sample++)
        {
            var (i, j) = sample == 0 ? (M - 1, N - 1) : (random.Next(M), random.Next(N));
            var sum = accumulate ? 1.0 : 0.0;
            for (var l = 0; l < K; l++)
            {
                sum += a[i, l] * b[l, j];
            }

            Assert.Equal(sum, c.Data[((long)i * N) + j], Tolerance);
        }
    }
}
