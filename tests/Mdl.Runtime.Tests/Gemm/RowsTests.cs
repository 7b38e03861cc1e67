using Mdl.Runtime.Kernels;
using Product = Mdl.Runtime.Kernels.Gemm;

namespace Mdl.Runtime.Tests.Gemm;

public unsafe class RowsTests
{
    // One row, few rows, less and more than a block, an odd number of many; contractions of no, one and more than one block of lanes.
    public static TheoryData<string, int, int, int, int> Sizes()
    {
        var sizes = new TheoryData<string, int, int, int, int>();
        foreach (var kernels in KernelSets.All)
        {
            foreach (var (rows, n, second, k) in new[] { (1, 33, 7, 20), (3, 70, 0, 65), (90, 33, 70, 0), (431, 40, 0, 600), (1000, 150, 33, 70), (1153, 64, 520, 40) })
            {
                sizes.Add(kernels, rows, n, second, k);
            }
        }

        return sizes;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void RowsHaveTheBitsOfPlainProducts(string kernels, int rows, int n, int secondN, int k)
    {
        var random = new Random(4);
        using var x = new Operand(random, rows, k, Layout.RowMajor);
        using var w = new Operand(random, k, n, Layout.RowMajor);
        using var wSecond = new Operand(random, k, secondN, Layout.Transposed);
        var (size, sizeSecond) = (rows * n, rows * secondN);
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var team = KernelSets.Team(kernels, threads);
            using var expected = new Buffer(size + sizeSecond, 0.5f);
            Product.Run(team, x.Matrix, w.Matrix, expected.Data, n, rows, n, k, true);
            Product.Run(team, x.Matrix, wSecond.Matrix, expected.Data + size, secondN, rows, secondN, k, false);
            foreach (var stored in new[] { true, false })
            {
                using var y = new Buffer(size + sizeSecond, 0.5f);
                using var seen = new Buffer(size + sizeSecond, float.NaN);
                using var blocks = new Buffer(Product.RowBlocks(rows), 0);
                var copy = new CopyRows { First = seen.Data, Second = seen.Data + size, Blocks = blocks.Data, N = n, SecondN = secondN };
                Product.Rows(
                    team, x.Matrix, new(w.Matrix, y.Data, n, true),
                    secondN == 0 ? default : new(wSecond.Matrix, stored ? y.Data + size : null, secondN, false), rows, k, copy);
                Assert.Equal(expected.Span.ToArray(), seen.Span.ToArray());
                Assert.Equal(expected.Span[..(stored ? size + sizeSecond : size)].ToArray(), y.Span[..(stored ? size + sizeSecond : size)].ToArray());
                Assert.All(blocks.Span.ToArray(), b => Assert.Equal(1, b));
                y.AssertGuardsIntact();
                seen.AssertGuardsIntact();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void RowsThatAPrologueMakesGiveTheSameBits(string kernels, int rows, int n, int secondN, int k)
    {
        var random = new Random(5);
        using var x = new Operand(random, rows, k, Layout.RowMajor);
        using var w = new Operand(random, k, n, Layout.RowMajor);
        using var wSecond = new Operand(random, k, secondN, Layout.Transposed);
        var (size, sizeSecond) = (rows * n, rows * secondN);
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var team = KernelSets.Team(kernels, threads);
            using var doubled = new Buffer(rows * k, 0);
            new Double { X = x.Matrix, K = k, Y = doubled.Data }.Apply(0, rows, null);
            using var expected = new Buffer(size + sizeSecond, 0.5f);
            Product.Run(team, Matrix.RowMajor(doubled.Data, k), w.Matrix, expected.Data, n, rows, n, k, true);
            Product.Run(team, Matrix.RowMajor(doubled.Data, k), wSecond.Matrix, expected.Data + size, secondN, rows, secondN, k, false);
            foreach (var stored in new[] { true, false })
            {
                using var y = new Buffer(size + sizeSecond, 0.5f);
                using var made = new Buffer(rows * k, float.NaN);
                var prologue = new Double { X = x.Matrix, K = k, Y = stored ? made.Data : null };
                var left = stored ? Matrix.RowMajor(made.Data, k) : default;
                var second = secondN == 0 ? default : new RowProduct(wSecond.Matrix, y.Data + size, secondN, false);
                Product.Rows(team, prologue, left, new(w.Matrix, y.Data, n, true), second, rows, k, default(NoRowEpilogue));
                Assert.Equal(expected.Span.ToArray(), y.Span.ToArray());
                Assert.Equal(stored ? doubled.Span.ToArray() : Enumerable.Repeat(float.NaN, rows * k), made.Span.ToArray());
                y.AssertGuardsIntact();
                made.AssertGuardsIntact();
            }
        }
    }

    private struct Double : IRowPrologue
    {
        public Matrix X;
        public int K;
        public float* Y;

        public readonly void Apply(long begin, long end, float* left)
        {
            for (var i = begin; i < end; i++)
            {
                for (var j = 0; j < K; j++)
                {
                    (Y == null ? left : Y)[i * K + j] = 2 * X.Data[i * X.RowStride + j];
                }
            }
        }
    }

    private struct CopyRows : IRowEpilogue
    {
        public float* First;
        public float* Second;
        public float* Blocks;
        public int N;
        public int SecondN;

        public readonly void Apply(long begin, long end, int block, float* first, float* second)
        {
            Blocks[block]++;
            for (var i = begin * N; i < end * N; i++)
            {
                First[i] = first[i];
            }

            for (var i = begin * SecondN; i < end * SecondN; i++)
            {
                Second[i] = second[i];
            }
        }
    }
}
