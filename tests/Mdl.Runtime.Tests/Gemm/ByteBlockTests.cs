using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;
using Held = Mdl.Runtime.Tests.Gemm.BlockFormatTests.Held;
using Product = Mdl.Runtime.Kernels.Gemm;

namespace Mdl.Runtime.Tests.Gemm;

/// <summary>Products of many rows with matrices in blocks of integers, for which the rows are rounded to such blocks too.</summary>
public sealed unsafe class ByteBlockTests
{
    private const ElementFormat AsHeld = ElementFormat.Int8Blocks;

    public static TheoryData<ElementFormat, int, int, int> Sizes()
    {
        var data = new TheoryData<ElementFormat, int, int, int>();
        foreach (var format in new[] { ElementFormat.Int8Blocks, ElementFormat.Int4Blocks })
        {
            foreach (var (m, n, k) in new[] { (33, 1, 32), (34, 16, 64), (37, 17, 96), (40, 33, 160), (48, 64, 512), (71, 95, 1056), (1100, 40, 64) })
            {
                data.Add(format, m, n, k);
            }
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Sizes))]
    public void Products_are_those_of_the_rounded_rows(ElementFormat format, int m, int n, int k)
    {
        float[]? expected = null;
        foreach (var threads in new[] { 1, 3 })
        {
            using var team = Team(threads);
            var random = new Random(m + n + k);
            using var w = new Held(format, (long)n * k, random);
            var x = Numbers(random, m * k);
            var rows = Enumerable.Range(0, m).Select(i => (m - 1 - i) * 2).ToArray();
            var (y, sum) = (new float[m * n], new float[m * n]);
            fixed (float* left = x, product = y, added = sum)
            fixed (int* list = rows)
            {
                Product.Run(team, Matrix.RowMajor(left, k), Matrix.Transposed(w.Weight, k), product, n, m, n, k, accumulate: false, AsHeld);
                Check(y, Rounded(x), w.Numbers, m, n, k);
                Assert.Equal(expected ??= y, y);

                // Rows from a list, added to what is there, and an epilogue.
                Product.Run(team, Matrix.Gathered(left, k, list, 2), Matrix.Transposed(w.Weight, k), added, n, m, n, k, accumulate: true, AsHeld);
                Product.Run(team, Matrix.Gathered(left, k, list, 2), Matrix.Transposed(w.Weight, k), added, n, m, n, k, accumulate: true, new Halve(), AsHeld);
            }

            for (var i = 0; i < m * n; i++)
            {
                Assert.Equal(y[((m - 1 - (i / n)) * n) + (i % n)], sum[i]);
            }
        }
    }

    [SkippableTheory]
    [InlineData(ElementFormat.Int8Blocks)]
    [InlineData(ElementFormat.Int4Blocks)]
    public void Products_of_experts_too(ElementFormat format)
    {
        const int Experts = 5, N = 72, K = 96, Rows = 300;
        int[] offsets = [0, 1, 1, 14, 290, 297];
        using var team = Team(2);
        var random = new Random(5);
        using var w = new Held(format, (long)Experts * N * K, random);
        using var w2 = new Held(format, (long)Experts * N * K, random);
        var x = Numbers(random, Rows * K);
        var (y, y2, plain) = (new float[Rows * N], new float[Rows * N], new float[Rows * N]);
        fixed (float* left = x, product = y, second = y2, alone = plain)
        fixed (int* first = offsets)
        {
            var matrix = Matrix.RowMajor(left, K);
            Product.Grouped(team, matrix, w.Weight, true, first, Experts, alone, Rows, N, K, arithmetic: AsHeld);
            Product.GroupedRows(team, matrix, w.Weight, w2.Weight, true, first, Experts, product, second, Rows, N, K, default(Nothing), AsHeld);
        }

        var rounded = Rounded(x);
        for (var e = 0; e < Experts; e++)
        {
            var (begin, end) = (offsets[e], offsets[e + 1]);
            Check(y[(begin * N)..(end * N)], rounded[(begin * K)..(end * K)], w.Numbers[(e * N * K)..((e + 1) * N * K)], end - begin, N, K);
            Check(y2[(begin * N)..(end * N)], rounded[(begin * K)..(end * K)], w2.Numbers[(e * N * K)..((e + 1) * N * K)], end - begin, N, K);
        }

        Assert.Equal(plain, y);
        Assert.All(y[(297 * N)..], v => Assert.Equal(0, v));
    }

    [SkippableTheory]
    [InlineData(ElementFormat.Int8Blocks)]
    [InlineData(ElementFormat.Int4Blocks)]
    public void Few_rows_keep_15_bits_and_have_the_bits_of_single_ones(ElementFormat format)
    {
        foreach (var (n, k) in new[] { (1, 128), (7, 256), (30, 1152), (1001, 128) })
        {
            using var team = Team(2);
            var random = new Random(n + k);
            using var w = new Held(format, (long)n * k, random);
            var x = Numbers(random, 16 * k);
            var alone = new float[16 * n];
            fixed (float* left = x, one = alone)
            {
                for (var i = 0; i < 16; i++)
                {
                    Product.Run(team, Matrix.RowMajor(left + (i * k), k), Matrix.Transposed(w.Weight, k), one + (i * n), n, 1, n, k, accumulate: false, AsHeld);
                }

                Check(alone, Rounded(x, 16319), w.Numbers, 16, n, k);
                foreach (var m in new[] { 2, 3, 4, 5, 8, 16 })
                {
                    var y = new float[m * n];
                    fixed (float* product = y)
                    {
                        Product.Run(team, Matrix.RowMajor(left, k), Matrix.Transposed(w.Weight, k), product, n, m, n, k, accumulate: false, AsHeld);
                        Assert.Equal(alone[..(m * n)], y);
                        Product.Run(team, Matrix.RowMajor(left, k), Matrix.Transposed(w.Weight, k), product, n, m, n, k, accumulate: true, new Halve(), AsHeld);
                        Assert.Equal(alone[..(m * n)], y);
                    }
                }
            }
        }
    }

    [SkippableTheory]
    [InlineData(ElementFormat.Int8Blocks)]
    [InlineData(ElementFormat.Int4Blocks)]
    public void Few_rows_of_experts_have_the_bits_of_plain_products(ElementFormat format)
    {
        const int Experts = 4, N = 1100, K = 384, Rows = 15;
        int[] offsets = [0, 1, 6, 6, 13];
        using var team = Team(2);
        var random = new Random(8);
        using var w = new Held(format, (long)Experts * N * K, random);
        using var w2 = new Held(format, (long)Experts * N * K, random);
        var x = Numbers(random, Rows * K);
        var (y, first, second, plain) = (new float[Rows * N], new float[Rows * N], new float[Rows * N], new float[Rows * N]);
        fixed (float* left = x, grouped = y, one = first, two = second, alone = plain)
        fixed (int* o = offsets)
        {
            var matrix = Matrix.RowMajor(left, K);
            Product.Grouped(team, matrix, w.Weight, true, o, Experts, grouped, Rows, N, K, arithmetic: AsHeld);
            Product.GroupedRows(team, matrix, w.Weight, w2.Weight, true, o, Experts, one, two, Rows, N, K, default(Nothing), AsHeld);
            Assert.Equal(y, first);
            foreach (var (held, product) in new[] { (w, first), (w2, second) })
            {
                for (var e = 0; e < Experts; e++)
                {
                    for (var i = offsets[e]; i < offsets[e + 1]; i++)
                    {
                        Product.Run(team, Matrix.RowMajor(left + (i * K), K), Matrix.Transposed(held.Weight + ((long)e * N * K), K), alone + (i * N), N, 1, N, K, false, AsHeld);
                    }
                }

                Assert.Equal(plain, product);
            }
        }
    }

    [SkippableFact]
    public void Rows_of_zeros_give_zeros_and_rows_between_are_not_rounded()
    {
        const int N = 33, K = 64;
        using var team = Team(2);
        using var w = new Held(ElementFormat.Int8Blocks, N * K, new Random(6));
        var x = new float[40 * K];
        var y = new float[40 * N];
        fixed (float* left = x, product = y)
        {
            Product.Run(team, Matrix.RowMajor(left, K), Matrix.Transposed(w.Weight, K), product, N, 40, N, K, accumulate: false, AsHeld);
            Assert.All(y, v => Assert.Equal(0, v));

            Numbers(new Random(7), x.Length).CopyTo(x, 0);
            Product.Run(team, Matrix.RowMajor(left, K), Matrix.Transposed(w.Weight, K), product, N, 32, N, K, accumulate: false, AsHeld);
            Check(y[..(32 * N)], x[..(32 * K)], w.Numbers, 32, N, K);
            Product.Run(team, Matrix.RowMajor(left, K), Matrix.Transposed(w.Weight, K), product, N, 40, N, K, accumulate: false);
            Check(y, x, w.Numbers, 40, N, K);
        }
    }

    private static Team Team(int threads)
    {
        var team = new Team(threads);
        if (team.ByteBlocks is null)
        {
            team.Dispose();
            Skip.If(true, "The processor has no byte products.");
        }

        return team;
    }

    private static float[] Numbers(Random random, int count) => [.. Enumerable.Range(0, count).Select(i => (float)((random.NextDouble() - 0.5) * Math.Pow(2, i / 32 % 7)))];

    private static float[] Rounded(float[] x, float largest = 127)
    {
        var y = new float[x.Length];
        for (var i = 0; i < x.Length; i += 32)
        {
            var scale = x[i..(i + 32)].Max(MathF.Abs) / largest;
            for (var j = i; j < i + 32; j++)
            {
                y[j] = scale == 0 ? 0 : MathF.Round(x[j] * (1 / scale)) * scale;
            }
        }

        return y;
    }

    // Blocks are added in single precision, at most one for 32 elements; numbers are up to 2^5 and 3.
    private static void Check(float[] y, float[] x, float[] w, int m, int n, int k)
    {
        for (var i = 0; i < m; i++)
        {
            for (var j = 0; j < n; j++)
            {
                var sum = 0.0;
                for (var l = 0; l < k; l++)
                {
                    sum += (double)x[(i * k) + l] * w[(j * k) + l];
                }

                Assert.Equal(sum, y[(i * n) + j], 2e-6 * k);
            }
        }
    }

    // After two equal products in one place: the sum becomes one product again.
    private readonly struct Halve : ITileEpilogue
    {
        public void Apply(float* c, long ldc, int row, int column, int rows, int columns)
        {
            for (var i = 0; i < rows; i++)
            {
                for (var j = 0; j < columns; j++)
                {
                    c[(i * ldc) + j] /= 2;
                }
            }
        }
    }

    private readonly struct Nothing : IRowEpilogue
    {
        public void Apply(long begin, long end, int block, float* first, float* second)
        {
        }
    }
}
