using Mdl.Runtime.Kernels;
using Product = Mdl.Runtime.Kernels.Gemm;

namespace Mdl.Runtime.Tests.Gemm;

public sealed unsafe class GroupedTests
{
    // Rows of each expert: even, some empty, all in one, none at all, and a single expert.
    private static readonly int[][] Loads = [[10, 20, 30, 40], [0, 7, 0, 1, 300, 0], [0, 0, 777, 0], [0, 0, 0], [65], []];

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void GroupedMatchesTheNaiveProducts(string kernels)
    {
        using var team = KernelSets.Team(kernels, 3);
        var random = new Random(1);
        foreach (var load in Loads)
        {
            foreach (var layout in new[] { Layout.RowMajor, Layout.Gathered })
            {
                foreach (var transpose in new[] { false, true })
                {
                    const int N = 45, K = 70, Unused = 4;
                    var offsets = Offsets(load);
                    var rows = offsets[^1] + Unused;
                    using var x = new Operand(random, rows, K, layout);
                    using var w = new Operand(random, Math.Max(load.Length, 1) * (N + 3), K + 3, Layout.RowMajor);
                    using var y = new Buffer(rows * N, float.NaN);
                    fixed (int* o = offsets)
                    {
                        Product.Grouped(team, x.Matrix, w.Matrix.Data, transpose, o, load.Length, y.Data, rows, N, K);
                    }

                    for (var e = 0; e < load.Length; e++)
                    {
                        var matrix = w.Matrix.Data + e * N * K;
                        var first = offsets[e];
                        Naive.AssertClose(
                            (i, j) => x[first + i, j], (i, j) => transpose ? matrix[j * K + i] : matrix[i * N + j], y.Data + first * N, N, load[e], N, K, 0);
                    }

                    Assert.All(y.Span[(offsets[^1] * N)..].ToArray(), v => Assert.Equal(0, v));
                    y.AssertGuardsIntact();
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void ProductsOfTheSameRowsAreThoseOfTwoCallsAndEveryRowGetsItsEpilogue(string kernels)
    {
        const int N = 33, K = 70, Unused = 4;
        var random = new Random(4);
        foreach (var load in Loads)
        {
            var offsets = Offsets(load);
            var rows = offsets[^1] + Unused;
            using var x = new Operand(random, rows, K, Layout.Gathered);
            using var w = new Operand(random, (2 * load.Length) + 1, N * K, Layout.RowMajor);
            var second = w.Matrix.Data + (load.Length * N * K);
            foreach (var threads in new[] { 1, 2, 3 })
            {
                using var team = KernelSets.Team(kernels, threads);
                using var expected = new Buffer(2 * rows * N, float.NaN);
                using var y = new Buffer(2 * rows * N, float.NaN);
                using var sum = new Buffer(rows * N, 0);
                fixed (int* o = offsets)
                {
                    Product.Grouped(team, x.Matrix, w.Matrix.Data, true, o, load.Length, expected.Data, rows, N, K);
                    Product.Grouped(team, x.Matrix, second, true, o, load.Length, expected.Data + (rows * N), rows, N, K);
                    var add = new AddRows { Sum = sum.Data, Width = N };
                    Product.GroupedRows(team, x.Matrix, w.Matrix.Data, second, true, o, load.Length, y.Data, y.Data + (rows * N), rows, N, K, add);
                    Assert.Equal(expected.Span.ToArray(), y.Span.ToArray());
                    for (var i = 0; i < rows * N; i++)
                    {
                        // Once for each row: a second call would add again.
                        Assert.Equal(y.Span[i] + y.Span[(rows * N) + i] + 1, sum.Span[i]);
                    }

                    // Products that only the epilogue sees.
                    Product.GroupedRows(team, x.Matrix, w.Matrix.Data, second, true, o, load.Length, null, null, rows, N, K, add);
                    for (var i = 0; i < rows * N; i++)
                    {
                        var each = y.Span[i] + y.Span[(rows * N) + i] + 1;
                        Assert.Equal(each + each, sum.Span[i]);
                    }

                    Product.Grouped(team, x.Matrix, second, true, o, load.Length, y.Data, rows, N, K, accumulate: true);
                    for (var i = 0; i < rows * N; i++)
                    {
                        // Two roundings of sums of 70 products of magnitude 1.
                        Assert.Equal(expected.Span[i] + expected.Span[(rows * N) + i], y.Span[i], 1e-4f);
                    }
                }

                y.AssertGuardsIntact();
                sum.AssertGuardsIntact();
            }
        }
    }

    private struct AddRows : IRowEpilogue
    {
        public float* Sum;
        public int Width;

        public readonly void Apply(long begin, long end, int block, float* first, float* second)
        {
            for (var i = begin * Width; i < end * Width; i++)
            {
                Sum[i] += first[i] + second[i] + 1;
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void GroupedOuterMatchesTheNaiveProducts(string kernels)
    {
        using var team = KernelSets.Team(kernels, 3);
        var random = new Random(2);
        foreach (var load in Loads)
        {
            foreach (var left in new[] { Layout.RowMajor, Layout.Gathered })
            {
                foreach (var right in new[] { Layout.RowMajor, Layout.Gathered })
                {
                    const int P = 45, Q = 70;
                    var offsets = Offsets(load);
                    using var a = new Operand(random, offsets[^1], P, left);
                    using var b = new Operand(random, offsets[^1], Q, right);
                    using var c = new Buffer(load.Length * P * Q, float.NaN);
                    fixed (int* o = offsets)
                    {
                        Product.GroupedOuter(team, a.Matrix, b.Matrix, o, load.Length, c.Data, P, Q);
                    }

                    for (var e = 0; e < load.Length; e++)
                    {
                        var first = offsets[e];
                        Naive.AssertClose((i, j) => a[first + j, i], (i, j) => b[first + i, j], c.Data + e * P * Q, Q, P, Q, load[e], 0);
                    }

                    c.AssertGuardsIntact();
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void ResultsDoNotDependOnTheNumberOfThreads(string kernels)
    {
        var random = new Random(3);
        const int P = 90, Q = 70;
        foreach (var load in Loads)
        {
            var offsets = Offsets(load);
            var rows = offsets[^1];
            using var a = new Operand(random, rows, P, Layout.Gathered);
            using var b = new Operand(random, rows, Q, Layout.RowMajor);
            using var w = new Operand(random, load.Length, P * Q, Layout.RowMajor);
            float[]? expected = null;
            foreach (var threads in new[] { 1, 2, 3 })
            {
                using var team = KernelSets.Team(kernels, threads);
                using var c = new Buffer(load.Length * P * Q + rows * Q, float.NaN);
                fixed (int* o = offsets)
                {
                    Product.GroupedOuter(team, a.Matrix, b.Matrix, o, load.Length, c.Data, P, Q);
                    Product.Grouped(team, a.Matrix, w.Matrix.Data, false, o, load.Length, c.Data + load.Length * P * Q, rows, Q, P);
                }

                expected ??= c.Span.ToArray();
                Assert.Equal(expected, c.Span.ToArray());
            }
        }
    }

    private static int[] Offsets(int[] load)
    {
        var offsets = new int[load.Length + 1];
        for (var e = 0; e < load.Length; e++)
        {
            offsets[e + 1] = offsets[e] + load[e];
        }

        return offsets;
    }
}
