using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;
using Product = Mdl.Runtime.Kernels.Gemm;

namespace Mdl.Runtime.Tests.Gemm;

public sealed unsafe class GemmTests
{
    private static readonly (int M, int N, int K)[] Shapes =
    [
        (0, 5, 3), (5, 0, 3), (5, 3, 0), (1, 1, 1), (1, 300, 70), (300, 1, 70), (2, 33, 257), (3, 64, 16), (12, 32, 256), (13, 33, 255), (97, 131, 300),
        (25, 17, 1), (200, 40, 513), (64, 300, 128), (7, 7, 1030), (5, 520, 31), (1, 40, 700), (3, 65, 33), (4, 9, 16),

        // Work and rows enough for a packed operand that all threads share.
        (400, 70, 610),
    ];

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void MatchesTheNaiveProductInEveryLayout(string kernels)
    {
        using var team = KernelSets.Team(kernels, 2);
        var random = new Random(1);
        foreach (var (m, n, k) in Shapes)
        {
            foreach (var left in Enum.GetValues<Layout>())
            {
                foreach (var right in Enum.GetValues<Layout>())
                {
                    Check(team, random, m, n, k, left, right, accumulate: (m + n + k + (int)left + (int)right) % 2 == 0);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void MatchesTheNaiveProductAtRandomShapes(string kernels)
    {
        using var team = KernelSets.Team(kernels, 3);
        var random = new Random(2);
        for (var i = 0; i < 150; i++)
        {
            Check(
                team, random, random.Next(1, 90), random.Next(1, 150), random.Next(0, 600), (Layout)random.Next(4), (Layout)random.Next(4), random.Next(2) == 0);
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void ResultsDoNotDependOnTheNumberOfThreads(string kernels)
    {
        var random = new Random(3);
        foreach (var (m, n, k) in new[] { (200, 130, 700), (512, 33, 100), (3, 500, 300), (33, 700, 1), (1, 600, 300), (600, 200, 200) })
        {
            foreach (var left in Enum.GetValues<Layout>())
            {
                foreach (var right in Enum.GetValues<Layout>())
                {
                    using var a = new Operand(random, m, k, left);
                    using var b = new Operand(random, k, n, right);
                    float[]? expected = null;
                    foreach (var threads in new[] { 1, 2, 3 })
                    {
                        using var team = KernelSets.Team(kernels, threads);
                        using var c = new Buffer((long)m * n, float.NaN);
                        Product.Run(team, a.Matrix, b.Matrix, c.Data, n, m, n, k, accumulate: false);
                        expected ??= c.Span.ToArray();
                        Assert.Equal(expected, c.Span.ToArray());
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void BatchesAreIndependentProducts(string kernels)
    {
        using var team = KernelSets.Team(kernels, 2);
        var random = new Random(4);
        const int Batches = 5, M = 37, N = 45, K = 70;
        using var a = new Operand(random, Batches * M, K, Layout.RowMajor);
        using var b = new Operand(random, K, N * Batches, Layout.RowMajor);
        using var c = new Buffer(Batches * M * N, 1);
        Product.Batched(
            team, a.Matrix, M * a.Matrix.RowStride, b.Matrix, N, c.Data, N, M * N, Batches, M, N, K, accumulate: true);
        for (var batch = 0; batch < Batches; batch++)
        {
            Naive.AssertClose((i, j) => a[batch * M + i, j], (i, j) => b[i, batch * N + j], c.Data + batch * M * N, N, M, N, K, initial: 1);
        }

        c.AssertGuardsIntact();
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void EachElementPassesTheEpilogueOnceWhenItIsFinished(string kernels)
    {
        using var team = KernelSets.Team(kernels, 3);
        var random = new Random(5);
        foreach (var (m, n, k) in new[] { (1, 1, 1), (100, 70, 600), (130, 33, 0), (5, 520, 31), (1, 40, 700), (3, 65, 33), (4, 9, 16), (2, 100, 100), (600, 130, 230) })
        {
            foreach (var right in new[] { Layout.RowMajor, Layout.Transposed })
            {
                using var a = new Operand(random, m, k, Layout.RowMajor);
                using var b = new Operand(random, k, n, right);
                using var plain = new Buffer((long)m * n, 0);
                using var c = new Buffer((long)m * n, 0);
                Product.Run(team, a.Matrix, b.Matrix, plain.Data, n, m, n, k, accumulate: false);
                Product.Run(team, a.Matrix, b.Matrix, c.Data, n, m, n, k, accumulate: false, new AddIndex { Columns = n });
                for (var i = 0; i < m * n; i++)
                {
                    Assert.Equal(plain.Data[i] + i, c.Data[i]);
                }
            }
        }
    }

    [Fact]
    public void NothingIsAllocated()
    {
        using var team = new Team(2);
        var random = new Random(6);
        using var a = new Operand(random, 100, 100, Layout.Gathered);
        using var b = new Operand(random, 100, 100, Layout.Transposed);
        using var c = new Buffer(100 * 100, 0);
        Product.Run(team, a.Matrix, b.Matrix, c.Data, 100, 100, 100, 100, accumulate: false);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            Product.Run(team, a.Matrix, b.Matrix, c.Data, 100, 100, 100, 100, accumulate: false);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void Check(Team team, Random random, int m, int n, int k, Layout left, Layout right, bool accumulate)
    {
        using var a = new Operand(random, m, k, left);
        using var b = new Operand(random, k, n, right);
        var ldc = n + 5;
        using var c = new Buffer((long)m * ldc, accumulate ? 0.5f : float.NaN);
        Product.Run(team, a.Matrix, b.Matrix, c.Data, ldc, m, n, k, accumulate);
        Naive.AssertClose((i, j) => a[i, j], (i, j) => b[i, j], c.Data, ldc, m, n, k, accumulate ? 0.5 : 0);
        for (var i = 0; i < m; i++)
        {
            Assert.All(c.Span.Slice(i * ldc + n, 5).ToArray(), x => Assert.Equal(accumulate ? 0.5f : float.NaN, x));
        }

        c.AssertGuardsIntact();
    }

    private struct AddIndex : ITileEpilogue
    {
        public int Columns;

        public readonly void Apply(float* tile, long ld, int row, int col, int rows, int cols)
        {
            for (var i = 0; i < rows; i++)
            {
                for (var j = 0; j < cols; j++)
                {
                    tile[i * ld + j] += (row + i) * Columns + col + j;
                }
            }
        }
    }
}
