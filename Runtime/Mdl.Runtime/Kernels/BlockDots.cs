using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// As <see cref="Dots"/>, with a matrix whose columns are contiguous and held in a format with blocks. Numbers become single precision in registers and
/// are used for up to eight rows at once.
/// </summary>
internal static unsafe class BlockDots
{
    /// <summary>Products with more rows than this are computed in tiles, which decode each number once.</summary>
    public const int MostRows = 16;

    private const int Step = 32;

    /// <summary>Whether columns of b begin with whole blocks, so that a run of 32 elements never leaves its block.</summary>
    public static bool Fits(in Matrix b, int k) => b.IsBlocks && b.Rows == null && b.RowStride == 1 && b.ColumnStride % Step == 0 && k % Step == 0 && b.Start.Element % Step == 0;

    /// <summary>c[m,n] (+)= alpha * a[m,k] b[k,n]; rows of a and columns of b are contiguous.</summary>
    public static void Run(in Matrix a, in Matrix b, float* c, long ldc, int m, int n, int k, float alpha, bool accumulate)
    {
        switch (b.Format)
        {
            case ElementFormat.Int8Blocks:
                Run<Int8Format>(a, b, c, ldc, m, n, k, alpha, accumulate);
                break;
            case ElementFormat.Int4Blocks:
                Run<Int4Format>(a, b, c, ldc, m, n, k, alpha, accumulate);
                break;
            default:
                Run<Float8Format>(a, b, c, ldc, m, n, k, alpha, accumulate);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TFormat>(in Matrix a, in Matrix b, float* c, long ldc, int m, int n, int k, float alpha, bool accumulate)
        where TFormat : struct, IBlockFormat
    {
        var sums = stackalloc float[8];
        var start = b.Start;
        var j = 0;
        if (m == 1)
        {
            var x = a.Row(0);
            for (; j + 4 <= n; j += 4)
            {
                Four<TFormat>(x, start + (j * b.ColumnStride), b.ColumnStride, k, sums);
                for (var q = 0; q < 4; q++)
                {
                    c[j + q] = (alpha * sums[q]) + (accumulate ? c[j + q] : 0);
                }
            }
        }

        for (; j < n; j++)
        {
            var column = start + (j * b.ColumnStride);
            for (var i = 0; i < m; i += 8)
            {
                var rows = Math.Min(8, m - i);
                Rows<TFormat>(a, i, rows, column, k, sums);
                for (var q = 0; q < rows; q++)
                {
                    var target = c + ((i + q) * ldc) + j;
                    *target = (alpha * sums[q]) + (accumulate ? *target : 0);
                }
            }
        }
    }

    // One row with four columns: as many streams as keep the memory busy.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four<TFormat>(float* x, Weight b, long columnStride, int k, float* sums)
        where TFormat : struct, IBlockFormat
    {
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default;
        var data = b.Data;
        var scales = b.Scales;
        var e0 = b.Element;
        var (e1, e2, e3) = (e0 + columnStride, e0 + (2 * columnStride), e0 + (3 * columnStride));
        for (var i = 0; i < k; i += Step)
        {
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<TFormat>(Vector512<float> sum, byte* data, byte* scales, long element, Vector512<float> low, Vector512<float> high)
        where TFormat : struct, IBlockFormat
    {
        var part = Vector512.FusedMultiplyAdd(TFormat.Sixteen(data, (element >>> 4) + 1), high, TFormat.Sixteen(data, element >>> 4) * low);
        return Vector512.FusedMultiplyAdd(part, Vector512.Create(TFormat.Scale(scales, element / TFormat.BlockSize)), sum);
    }

    // Up to eight rows with one column; rows that do not exist repeat the first.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows<TFormat>(in Matrix a, int first, int count, Weight b, int k, float* sums)
        where TFormat : struct, IBlockFormat
    {
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        var data = b.Data;
        var scales = b.Scales;
        var element = b.Element;
        var x0 = a.Row(first);
        var x1 = count > 1 ? a.Row(first + 1) : x0;
        var x2 = count > 2 ? a.Row(first + 2) : x0;
        var x3 = count > 3 ? a.Row(first + 3) : x0;
        if (count <= 4)
        {
            for (var i = 0; i < k; i += 16)
            {
                var w = TFormat.Sixteen(data, (element + i) >>> 4) * TFormat.Scale(scales, (element + i) / TFormat.BlockSize);
                s0 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x0 + i), s0);
                s1 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x1 + i), s1);
                s2 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x2 + i), s2);
                s3 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x3 + i), s3);
            }
        }
        else
        {
            var x4 = a.Row(first + 4);
            var x5 = count > 5 ? a.Row(first + 5) : x0;
            var x6 = count > 6 ? a.Row(first + 6) : x0;
            var x7 = count > 7 ? a.Row(first + 7) : x0;
            for (var i = 0; i < k; i += 16)
            {
                var w = TFormat.Sixteen(data, (element + i) >>> 4) * TFormat.Scale(scales, (element + i) / TFormat.BlockSize);
                s0 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x0 + i), s0);
                s1 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x1 + i), s1);
                s2 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x2 + i), s2);
                s3 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x3 + i), s3);
                s4 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x4 + i), s4);
                s5 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x5 + i), s5);
                s6 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x6 + i), s6);
                s7 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x7 + i), s7);
            }
        }

        sums[0] = Vector512.Sum(s0);
        sums[1] = Vector512.Sum(s1);
        sums[2] = Vector512.Sum(s2);
        sums[3] = Vector512.Sum(s3);
        sums[4] = Vector512.Sum(s4);
        sums[5] = Vector512.Sum(s5);
        sums[6] = Vector512.Sum(s6);
        sums[7] = Vector512.Sum(s7);
    }
}
