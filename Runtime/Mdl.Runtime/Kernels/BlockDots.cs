using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// As <see cref="Dots"/>, with a matrix whose columns are contiguous and held in a format with blocks. Numbers become single precision in registers and
/// are used for up to four rows at once.
/// </summary>
internal static unsafe class BlockDots
{
    /// <summary>Products with more rows than this are computed in tiles, which decode each number once.</summary>
    public const int MostRows = 16;

    private const int Step = 32;
    private const int Group = 4;

    /// <summary>Whether columns of b begin with whole blocks, so that a run of 32 elements never leaves its block.</summary>
    public static bool Fits(in Matrix b, int k) => b.IsBlocks && b.Rows == null && b.RowStride == 1 && b.ColumnStride % Step == 0 && k % Step == 0 && b.Start.Element % Step == 0;

    /// <summary>
    /// c[m,n] (+)= alpha * a[m,k] b[k,n]; rows of a and columns of b are contiguous. Products of up to <see cref="Dots.MostRows"/> in
    /// <paramref name="allRows"/> have the bits of single rows.
    /// </summary>
    public static void Run(in Matrix a, in Matrix b, float* c, long ldc, int m, int n, int k, float alpha, bool accumulate, int allRows)
    {
        switch (b.Format)
        {
            case ElementFormat.Int8Blocks:
                Run<Int8Format>(a, b, c, ldc, m, n, k, alpha, accumulate, allRows);
                break;
            case ElementFormat.Int4Blocks:
                Run<Int4Format>(a, b, c, ldc, m, n, k, alpha, accumulate, allRows);
                break;
            default:
                Run<Float8Format>(a, b, c, ldc, m, n, k, alpha, accumulate, allRows);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TFormat>(in Matrix a, in Matrix b, float* c, long ldc, int m, int n, int k, float alpha, bool accumulate, int allRows)
        where TFormat : struct, IBlockFormat
    {
        var sums = stackalloc float[Group * Group];
        for (var j = 0; j < n; j += Group)
        {
            // Columns that do not exist repeat the last one, and rows the first.
            var columns = Math.Min(Group, n - j);
            var start = b.Start + (j * b.ColumnStride);
            long e0 = start.Element, e1 = e0 + (columns > 1 ? b.ColumnStride : 0), e2 = e1 + (columns > 2 ? b.ColumnStride : 0);
            var e3 = e2 + (columns > 3 ? b.ColumnStride : 0);
            var group = allRows <= Dots.MostRows ? 2 : Group;
            for (var i = 0; i < m; i += group)
            {
                var rows = Math.Min(group, m - i);
                if (group == 2 && rows == 1)
                {
                    One<TFormat>(a.Row(i), start.Data, start.Scales, e0, e1, e2, e3, j + Group < n ? Group * b.ColumnStride : 0, k, sums);
                }
                else if (group == 2)
                {
                    Two<TFormat>(a.Row(i), a.Row(i + 1), start.Data, start.Scales, e0, e1, e2, e3, j + Group < n ? Group * b.ColumnStride : 0, k, sums);
                }
                else
                {
                    var x = a.Row(i);
                    Four<TFormat>(
                        x, rows > 1 ? a.Row(i + 1) : x, rows > 2 ? a.Row(i + 2) : x, rows > 3 ? a.Row(i + 3) : x, start.Data, start.Scales, e0, e1, e2, e3, k, sums);
                }

                for (var r = 0; r < rows; r++)
                {
                    var target = c + ((i + r) * ldc) + j;
                    for (var q = 0; q < columns; q++)
                    {
                        target[q] = (alpha * sums[(r * Group) + q]) + (accumulate ? target[q] : 0);
                    }
                }
            }
        }
    }

    // One row with four columns. Columns are often shorter than a page, where the hardware's prefetching stops: the next ones are fetched by hand.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One<TFormat>(float* x, byte* data, byte* scales, long e0, long e1, long e2, long e3, long ahead, int k, float* sums)
        where TFormat : struct, IBlockFormat
    {
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (var i = 0; i < k; i += Step)
        {
            if (Sse.IsSupported && ahead > 0 && (i & ((1 << TFormat.LineShift) - 1)) == 0)
            {
                Sse.Prefetch0(Line<TFormat>(data, e0 + i + ahead));
                Sse.Prefetch0(Line<TFormat>(data, e1 + i + ahead));
                Sse.Prefetch0(Line<TFormat>(data, e2 + i + ahead));
                Sse.Prefetch0(Line<TFormat>(data, e3 + i + ahead));
            }

            var low = Vector512.Load(x + i);
            var high = Vector512.Load(x + i + 16);
            s0 = Add<TFormat>(s0, data, scales, e0 + i, low, high);
            s1 = Add<TFormat>(s1, data, scales, e1 + i, low, high);
            s2 = Add<TFormat>(s2, data, scales, e2 + i, low, high);
            s3 = Add<TFormat>(s3, data, scales, e3 + i, low, high);
        }

        sums[0] = Vector512.Sum(s0);
        sums[1] = Vector512.Sum(s1);
        sums[2] = Vector512.Sum(s2);
        sums[3] = Vector512.Sum(s3);
    }

    // Two rows with four columns, each with the additions of a single row: a run of few tokens has the bits of single ones.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two<TFormat>(
        float* x, float* y, byte* data, byte* scales, long e0, long e1, long e2, long e3, long ahead, int k, float* sums)
        where TFormat : struct, IBlockFormat
    {
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default, t0 = default, t1 = default, t2 = default, t3 = default;
        for (var i = 0; i < k; i += Step)
        {
            if (Sse.IsSupported && ahead > 0 && (i & ((1 << TFormat.LineShift) - 1)) == 0)
            {
                Sse.Prefetch0(Line<TFormat>(data, e0 + i + ahead));
                Sse.Prefetch0(Line<TFormat>(data, e1 + i + ahead));
                Sse.Prefetch0(Line<TFormat>(data, e2 + i + ahead));
                Sse.Prefetch0(Line<TFormat>(data, e3 + i + ahead));
            }

            var (xLow, xHigh) = (Vector512.Load(x + i), Vector512.Load(x + i + 16));
            var (yLow, yHigh) = (Vector512.Load(y + i), Vector512.Load(y + i + 16));
            Add<TFormat>(ref s0, ref t0, data, scales, e0 + i, xLow, xHigh, yLow, yHigh);
            Add<TFormat>(ref s1, ref t1, data, scales, e1 + i, xLow, xHigh, yLow, yHigh);
            Add<TFormat>(ref s2, ref t2, data, scales, e2 + i, xLow, xHigh, yLow, yHigh);
            Add<TFormat>(ref s3, ref t3, data, scales, e3 + i, xLow, xHigh, yLow, yHigh);
        }

        sums[0] = Vector512.Sum(s0);
        sums[1] = Vector512.Sum(s1);
        sums[2] = Vector512.Sum(s2);
        sums[3] = Vector512.Sum(s3);
        sums[4] = Vector512.Sum(t0);
        sums[5] = Vector512.Sum(t1);
        sums[6] = Vector512.Sum(t2);
        sums[7] = Vector512.Sum(t3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TFormat>(
        ref Vector512<float> s, ref Vector512<float> t, byte* data, byte* scales, long element, Vector512<float> xLow, Vector512<float> xHigh,
        Vector512<float> yLow, Vector512<float> yHigh)
        where TFormat : struct, IBlockFormat
    {
        var (first, second) = TFormat.ThirtyTwo(data, element >>> 5);
        var scale = Vector512.Create(TFormat.Scale(scales, element >>> TFormat.BlockShift));
        s = Vector512.FusedMultiplyAdd(Vector512.FusedMultiplyAdd(second, xHigh, first * xLow), scale, s);
        t = Vector512.FusedMultiplyAdd(Vector512.FusedMultiplyAdd(second, yHigh, first * yLow), scale, t);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Line<TFormat>(byte* data, long element)
        where TFormat : struct, IBlockFormat => data + (element >>> TFormat.LineShift << 6);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<TFormat>(Vector512<float> sum, byte* data, byte* scales, long element, Vector512<float> low, Vector512<float> high)
        where TFormat : struct, IBlockFormat
    {
        var (first, second) = TFormat.ThirtyTwo(data, element >>> 5);
        return Vector512.FusedMultiplyAdd(
            Vector512.FusedMultiplyAdd(second, high, first * low), Vector512.Create(TFormat.Scale(scales, element >>> TFormat.BlockShift)), sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Low, Vector512<float> High) Scaled<TFormat>(byte* data, byte* scales, long element)
        where TFormat : struct, IBlockFormat
    {
        var scale = Vector512.Create(TFormat.Scale(scales, element >>> TFormat.BlockShift));
        var (low, high) = TFormat.ThirtyTwo(data, element >>> 5);
        return (low * scale, high * scale);
    }

    // Four rows with four columns: a number is decoded once for four products.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four<TFormat>(
        float* x0, float* x1, float* x2, float* x3, byte* data, byte* scales, long e0, long e1, long e2, long e3, int k, float* sums)
        where TFormat : struct, IBlockFormat
    {
        Vector512<float> s00 = default, s01 = default, s02 = default, s03 = default;
        Vector512<float> s10 = default, s11 = default, s12 = default, s13 = default;
        Vector512<float> s20 = default, s21 = default, s22 = default, s23 = default;
        Vector512<float> s30 = default, s31 = default, s32 = default, s33 = default;
        for (var i = 0; i < k; i += Step)
        {
            var (low0, high0) = Scaled<TFormat>(data, scales, e0 + i);
            var (low1, high1) = Scaled<TFormat>(data, scales, e1 + i);
            var (low2, high2) = Scaled<TFormat>(data, scales, e2 + i);
            var (low3, high3) = Scaled<TFormat>(data, scales, e3 + i);
            var x = Vector512.Load(x0 + i);
            s00 = Vector512.FusedMultiplyAdd(x, low0, s00);
            s01 = Vector512.FusedMultiplyAdd(x, low1, s01);
            s02 = Vector512.FusedMultiplyAdd(x, low2, s02);
            s03 = Vector512.FusedMultiplyAdd(x, low3, s03);
            x = Vector512.Load(x1 + i);
            s10 = Vector512.FusedMultiplyAdd(x, low0, s10);
            s11 = Vector512.FusedMultiplyAdd(x, low1, s11);
            s12 = Vector512.FusedMultiplyAdd(x, low2, s12);
            s13 = Vector512.FusedMultiplyAdd(x, low3, s13);
            x = Vector512.Load(x2 + i);
            s20 = Vector512.FusedMultiplyAdd(x, low0, s20);
            s21 = Vector512.FusedMultiplyAdd(x, low1, s21);
            s22 = Vector512.FusedMultiplyAdd(x, low2, s22);
            s23 = Vector512.FusedMultiplyAdd(x, low3, s23);
            x = Vector512.Load(x3 + i);
            s30 = Vector512.FusedMultiplyAdd(x, low0, s30);
            s31 = Vector512.FusedMultiplyAdd(x, low1, s31);
            s32 = Vector512.FusedMultiplyAdd(x, low2, s32);
            s33 = Vector512.FusedMultiplyAdd(x, low3, s33);
            x = Vector512.Load(x0 + i + 16);
            s00 = Vector512.FusedMultiplyAdd(x, high0, s00);
            s01 = Vector512.FusedMultiplyAdd(x, high1, s01);
            s02 = Vector512.FusedMultiplyAdd(x, high2, s02);
            s03 = Vector512.FusedMultiplyAdd(x, high3, s03);
            x = Vector512.Load(x1 + i + 16);
            s10 = Vector512.FusedMultiplyAdd(x, high0, s10);
            s11 = Vector512.FusedMultiplyAdd(x, high1, s11);
            s12 = Vector512.FusedMultiplyAdd(x, high2, s12);
            s13 = Vector512.FusedMultiplyAdd(x, high3, s13);
            x = Vector512.Load(x2 + i + 16);
            s20 = Vector512.FusedMultiplyAdd(x, high0, s20);
            s21 = Vector512.FusedMultiplyAdd(x, high1, s21);
            s22 = Vector512.FusedMultiplyAdd(x, high2, s22);
            s23 = Vector512.FusedMultiplyAdd(x, high3, s23);
            x = Vector512.Load(x3 + i + 16);
            s30 = Vector512.FusedMultiplyAdd(x, high0, s30);
            s31 = Vector512.FusedMultiplyAdd(x, high1, s31);
            s32 = Vector512.FusedMultiplyAdd(x, high2, s32);
            s33 = Vector512.FusedMultiplyAdd(x, high3, s33);
        }

        sums[0] = Vector512.Sum(s00);
        sums[1] = Vector512.Sum(s01);
        sums[2] = Vector512.Sum(s02);
        sums[3] = Vector512.Sum(s03);
        sums[4] = Vector512.Sum(s10);
        sums[5] = Vector512.Sum(s11);
        sums[6] = Vector512.Sum(s12);
        sums[7] = Vector512.Sum(s13);
        sums[8] = Vector512.Sum(s20);
        sums[9] = Vector512.Sum(s21);
        sums[10] = Vector512.Sum(s22);
        sums[11] = Vector512.Sum(s23);
        sums[12] = Vector512.Sum(s30);
        sums[13] = Vector512.Sum(s31);
        sums[14] = Vector512.Sum(s32);
        sums[15] = Vector512.Sum(s33);
    }
}
