using System.Runtime.Intrinsics.X86;
using Mdl.Runtime.Assembly;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;
using Product = Mdl.Runtime.Kernels.Gemm;

namespace Mdl.Runtime.Tests.Gemm;

/// <summary>Operands of bfloat16 and of bytes. All values are small integers, for which every kernel is exact: no test here needs a tolerance.</summary>
public sealed unsafe class ShortFormatTests
{
    private static readonly (int M, int N, int K)[] Shapes =
    [
        (1, 1, 1), (3, 5, 0), (5, 33, 7), (12, 32, 256), (13, 31, 255), (97, 131, 301), (33, 600, 1100), (25, 17, 2), (1, 70, 65), (200, 40, 514), (28, 20, 64),
    ];

    [Fact]
    public void FewRowsTimesAMatrixOfBFloat16AreExactOnSmallIntegers()
    {
        using var team = new Team(2);
        var random = new Random(6);
        foreach (var (m, n, k) in new[] { (1, 1, 1), (1, 37, 31), (2, 5, 32), (3, 70, 100), (4, 130, 515), (1, 9, 0) })
        {
            using var a = new ShortOperand(random, m, k, ElementFormat.Single, transposed: false);
            using var b = new ShortOperand(random, k, n, ElementFormat.BFloat16, transposed: true);
            using var c = new Buffer((long)m * n, 1);
            Product.Run(team, a.Matrix, b.Matrix, c.Data, n, m, n, k, accumulate: true, ElementFormat.BFloat16);
            for (var i = 0; i < m * n; i++)
            {
                Assert.Equal(1 + Enumerable.Range(0, k).Sum(l => a[i / n, l] * b[l, i % n]), c.Span[i]);
            }

            c.AssertGuardsIntact();
        }
    }

    [Theory]
    [InlineData(ElementFormat.Single)]
    [InlineData(ElementFormat.BFloat16)]
    public void OneRowTimesAWideMatrixHasTheSameBitsOnAnyNumberOfThreads(ElementFormat format)
    {
        // Wide enough to be cut into many parts.
        const int N = 20005;
        const int K = 515;
        var random = new Random(8);
        using var a = new ShortOperand(random, 1, K, ElementFormat.Single, transposed: false);
        using var b = new ShortOperand(random, K, N, format, transposed: true);
        using var one = Product(1);
        for (var threads = 2; threads <= 3; threads++)
        {
            using var more = Product(threads);
            Assert.True(one.Span.SequenceEqual(more.Span), $"{threads} threads");
            more.AssertGuardsIntact();
        }

        foreach (var j in new[] { 0, 31, 32, 9999, N - 1 })
        {
            Assert.Equal(Enumerable.Range(0, K).Sum(l => a[0, l] * b[l, j]), one.Span[j]);
        }

        Buffer Product(int threads)
        {
            using var team = new Team(threads);
            var c = new Buffer(N, float.NaN);
            Mdl.Runtime.Kernels.Gemm.Run(team, a.Matrix, b.Matrix, c.Data, N, 1, N, K, accumulate: false, format);
            return c;
        }
    }

    public enum Source
    {
        Single,
        Rounded,
    }

    [Theory]
    [InlineData(Source.Single)]
    [InlineData(Source.Rounded)]
    public void BFloat16ProductsAreExactOnSmallIntegers(Source source)
    {
        using var team = new Team(2);
        var format = source == Source.Single ? ElementFormat.Single : ElementFormat.BFloat16;
        ForAllShapes(format, (a, b, c, m, n, k) => Product.Run(team, a, b, (float*)c, n, m, n, k, false, ElementFormat.BFloat16), integers: false);
    }

    [Theory]
    [InlineData(Source.Single)]
    [InlineData(Source.Rounded)]
    public void PairKernelsAreExactOnSmallIntegersEvenWhereTheyAreTooSlowToBeChosen(Source source)
    {
        var kernels = AssembledKernels.TryCreate(ElementFormat.BFloat16);
        if (kernels is null)
        {
            // Nothing to test on a processor without the instructions (AVX512_BF16: leaf 7, subleaf 1, eax bit 5); what takes their place is covered above.
            Assert.False(Avx512F.IsSupported && (X86Base.CpuId(7, 1).Eax >> 5 & 1) != 0, "the processor multiplies bfloat16, but there are no kernels for it");
            return;
        }

        using var team = new Team(2, kernels);
        var format = source == Source.Single ? ElementFormat.Single : ElementFormat.BFloat16;
        ForAllShapes(format, (a, b, c, m, n, k) => Product.Run(team, a, b, (float*)c, n, m, n, k, false), integers: false);
    }

    [Theory]
    [InlineData(KernelMode.Auto)]
    [InlineData(KernelMode.Portable)]
    public void ByteProductsAreExact(KernelMode mode)
    {
        using var team = new Team(2, mode);
        ForAllShapes(ElementFormat.SByte, (a, b, c, m, n, k) => Product.RunBytes(team, a, b, (int*)c, n, m, n, k), integers: true);
    }

    [Fact]
    public void ByteProductsRefuseOtherFormats()
    {
        using var team = new Team(1);
        using var x = new Buffer(1, 0);
        var matrix = Matrix.RowMajor(x.Data, 1);
        var error = Assert.Throws<ArgumentException>(() => Product.RunBytes(team, matrix, matrix, (int*)x.Data, 1, 1, 1, 1));
        Assert.Contains("Single", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RoundingIsToNearestTiesToEvenAndKeepsWhatIsNoNumber()
    {
        // 1 + 2^-8 lies between 1 and 1 + 2^-7: the tie goes to the even fraction; a little more goes up.
        float[] values = [1f, 1.00390625f, 1.01171875f, 1.003907f, -1.00390625f, float.NaN, float.PositiveInfinity, float.MaxValue, 0f, -0f, 1e-40f];
        float[] expected = [1f, 1f, 1.015625f, 1.0078125f, -1f, float.NaN, float.PositiveInfinity, float.PositiveInfinity, 0f, -0f, BitConverter.UInt32BitsToSingle(0x00010000)];
        var many = Enumerable.Repeat(values, 8).SelectMany(v => v).ToArray();
        var rounded = new ushort[many.Length];
        fixed (float* source = many)
        fixed (ushort* target = rounded)
        {
            BFloat16.Round(source, target, many.Length);
        }

        for (var i = 0; i < many.Length; i++)
        {
            Assert.Equal(BFloat16.Round(many[i]), rounded[i]);
            var value = BFloat16.Widen(rounded[i]);
            var e = expected[i % values.Length];
            Assert.Equal(e, value);
            Assert.Equal(BitConverter.SingleToUInt32Bits(e) >> 31, BitConverter.SingleToUInt32Bits(value) >> 31);
        }
    }

    private delegate void Multiply(Matrix a, Matrix b, void* c, int m, int n, int k);

    private static void ForAllShapes(ElementFormat format, Multiply multiply, bool integers)
    {
        var random = new Random(5);
        foreach (var (m, n, k) in Shapes)
        {
            for (var layout = 0; layout < 4; layout++)
            {
                using var a = new ShortOperand(random, m, k, format, transposed: (layout & 1) != 0);
                using var b = new ShortOperand(random, k, n, format, transposed: (layout & 2) != 0);
                var c = new float[m * n];
                fixed (float* product = c)
                {
                    multiply(a.Matrix, b.Matrix, product, m, n, k);
                }

                for (var i = 0; i < m; i++)
                {
                    for (var j = 0; j < n; j++)
                    {
                        var sum = 0;
                        for (var l = 0; l < k; l++)
                        {
                            sum += a[i, l] * b[l, j];
                        }

                        var value = c[i * n + j];
                        Assert.True(sum == (integers ? BitConverter.SingleToInt32Bits(value) : value), $"{m} x {n} x {k}, layout {layout}, ({i}, {j}): {sum} expected, {value}");
                    }
                }
            }
        }
    }
}
