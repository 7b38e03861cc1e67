using System.Runtime.Intrinsics.X86;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Gemm;

/// <summary>Rounding to bfloat16 while packing gives the bits that rounding before packing gives, in every place of every panel that kernels read.</summary>
public sealed unsafe class PairPackingTests
{
    private const int Columns = 32;
    private const int Rows = 12;
    private static readonly float[] Special = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, -0f, 1e-40f, 1.00390625f, 1.01171875f];

    public static TheoryData<int, int> Sizes => new() { { 1, 1 }, { 2, 32 }, { 7, 33 }, { 32, 16 }, { 33, 47 }, { 64, 96 }, { 100, 13 }, { 515, 70 } };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void RightPanelsAreThoseOfTheGeneralWay(int k, int n)
    {
        if (!Avx512BW.IsSupported)
        {
            return;
        }

        using var memory = Numbers((long)k * n);
        var lanes = (k + 1) / 2;
        var step = (long)lanes * Columns;
        var floats = (n + Columns - 1) / Columns * step;
        using var scratch = new Buffer(LanePacking.ScratchBytes(lanes) / sizeof(float), 0);
        var gathered = stackalloc int[k];
        for (var i = 0; i < k; i++)
        {
            gathered[i] = (i * 7 + 3) % k;
        }

        foreach (var matrix in new[] { Matrix.RowMajor(memory.Data, n), Matrix.Transposed(memory.Data, k), Matrix.Gathered(memory.Data, n, gathered) })
        {
            using var expected = new Buffer(floats, 1);
            using var actual = new Buffer(floats, 2);
            LanePacking.RightPanels<BFloat16Lanes>(matrix, k, n, Columns, expected.Data, step, scratch.Data);
            Assert.True(PairPacking.Fits(matrix));
            Assert.True(PairPacking.RightPanels(matrix, k, n, Columns, actual.Data, step));
            AssertSameBits(expected, actual);
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void LeftPanelsAreThoseOfTheGeneralWay(int k, int m)
    {
        if (!Avx512BW.IsSupported)
        {
            return;
        }

        using var memory = Numbers((long)k * m);
        var matrix = Matrix.RowMajor(memory.Data, m);
        var tiles = new TileHeights(m, Rows);
        var step = (k + 1) / 2 * (long)Rows;
        using var expected = new Buffer(tiles.Count * step, 1);
        using var actual = new Buffer(tiles.Count * step, 2);
        LanePacking.LeftPanels<BFloat16Lanes>(matrix, k, tiles, Rows, expected.Data, step);
        PairPacking.LeftPanels(matrix, k, tiles, actual.Data, step);
        actual.AssertGuardsIntact();
        for (var t = 0; t < tiles.Count; t++)
        {
            for (var i = 0; i < step; i++)
            {
                if (i % Rows < tiles.Height(t))
                {
                    Assert.Equal(Bits(expected, (t * step) + i), Bits(actual, (t * step) + i));
                }
            }
        }
    }

    private static uint Bits(Buffer buffer, long i) => ((uint*)buffer.Data)[i];

    private static void AssertSameBits(Buffer expected, Buffer actual)
    {
        actual.AssertGuardsIntact();
        for (var i = 0L; i < expected.Length; i++)
        {
            Assert.Equal(Bits(expected, i), Bits(actual, i));
        }
    }

    private static Buffer Numbers(long count)
    {
        var random = new Random(3);
        var buffer = new Buffer(count, 0);
        for (var i = 0; i < count; i++)
        {
            buffer.Span[i] = i % 11 == 5 ? Special[i / 11 % Special.Length] : (random.NextSingle() - 0.5f) * 100;
        }

        return buffer;
    }
}
