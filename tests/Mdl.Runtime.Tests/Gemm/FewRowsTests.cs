using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;
using Product = Mdl.Runtime.Kernels.Gemm;

namespace Mdl.Runtime.Tests.Gemm;

/// <summary>Runs of up to four tokens have the bits of single ones: drafts that are checked together give the text of plain decoding.</summary>
public sealed unsafe class FewRowsTests
{
    [Theory]
    [InlineData(1, 16)]
    [InlineData(7, 35)]
    [InlineData(64, 128)]
    [InlineData(33, 1000)]
    public void Rows_have_the_bits_that_they_have_alone(int n, int k)
    {
        using var team = new Team(2);
        var random = new Random(n + k);
        var (x, w) = (Numbers(random, 4 * k), Numbers(random, n * k));
        var alone = new float[4 * n];
        fixed (float* left = x, right = w, one = alone)
        {
            for (var i = 0; i < 4; i++)
            {
                Product.Run(team, Matrix.RowMajor(left + (i * k), k), Matrix.Transposed(right, k), one + (i * n), n, 1, n, k, accumulate: false);
            }

            for (var m = 2; m <= 4; m++)
            {
                var y = new float[m * n];
                fixed (float* product = y)
                {
                    Product.Run(team, Matrix.RowMajor(left, k), Matrix.Transposed(right, k), product, n, m, n, k, accumulate: false);
                }

                Assert.Equal(alone[..(m * n)], y);
            }
        }
    }

    private static float[] Numbers(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2) - 1))];
}
