using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Rounds blocks of operands in single precision to bfloat16 while it copies them into panels of pairs: what <see cref="LanePacking"/> does for any format,
/// without a copy in between and a vector at a time. A product of bfloat16 takes so little time that packing would otherwise be half of it.
/// </summary>
internal static unsafe class PairPacking
{
    private const int Lanes = 16;
    private const int PanelRows = 12;

    /// <summary>Whether an operand can be packed here: the kernels that read pairs exist on processors with AVX-512 only.</summary>
    public static bool Fits(in Matrix x) => x.Format == ElementFormat.Single && Avx512BW.IsSupported;

    /// <summary>As <see cref="Packing.RightPanels"/>; false if neither rows nor columns are contiguous.</summary>
    public static bool RightPanels(in Matrix b, int k, int n, int width, float* packed, long panelStep)
    {
        var byRow = b.ColumnStride == 1;
        if (!byRow && (b.RowStride != 1 || b.Rows != null))
        {
            return false;
        }

        for (var column = 0; column < n; column += width)
        {
            var columns = Math.Min(width, n - column);
            if (byRow)
            {
                CopyPanel(b, k, column, columns, width, (uint*)packed);
            }
            else
            {
                TurnPanel(b.Data + column * b.ColumnStride, b.ColumnStride, k, columns, width, (uint*)packed);
            }

            packed += panelStep;
        }

        return true;
    }

    /// <summary>As <see cref="Packing.LeftPanels"/>, from rows that are contiguous, into panels of 12 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LeftPanels(in Matrix a, int k, in TileHeights tiles, float* packed, long panelStep)
    {
        for (var i = 0; i < k; i += 2)
        {
            var even = a.Row(i);
            var odd = i + 1 < k ? a.Row(i + 1) : null;
            if (i + 1 + Packing.RowsAhead < k)
            {
                Packing.Fetch(a.Row(i + Packing.RowsAhead), tiles.Rows);
                Packing.Fetch(a.Row(i + 1 + Packing.RowsAhead), tiles.Rows);
            }

            var target = (uint*)packed + i / 2 * PanelRows;
            var first = 0;
            for (var t = 0; t < tiles.Count; t++)
            {
                // Lanes of the next tile come along where a tile is less high; behind the last one there may be nothing to read.
                var readable = tiles.Rows - first;
                var pairs = readable >= Lanes
                    ? Pairs(Vector512.Load(even + first), odd == null ? Vector512<float>.Zero : Vector512.Load(odd + first))
                    : Pairs(LoadSome(even + first, readable), odd == null ? Vector512<float>.Zero : LoadSome(odd + first, readable));
                pairs.GetLower().Store(target);
                pairs.GetUpper().GetLower().Store(target + 8);
                first += tiles.Height(t);
                target += panelStep;
            }
        }
    }

    // From rows that follow one another along the contraction.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyPanel(in Matrix b, int k, int column, int columns, int width, uint* packed)
    {
        for (var i = 0; i < k; i += 2)
        {
            var even = b.Row(i) + column;
            var odd = i + 1 < k ? b.Row(i + 1) + column : null;
            if (i + 1 + Packing.RowsAhead < k)
            {
                Packing.Fetch(b.Row(i + Packing.RowsAhead) + column, columns);
                Packing.Fetch(b.Row(i + 1 + Packing.RowsAhead) + column, columns);
            }

            for (var j = 0; j < width; j += Lanes)
            {
                var readable = columns - j;
                var pairs = readable >= Lanes
                    ? Pairs(Vector512.Load(even + j), odd == null ? Vector512<float>.Zero : Vector512.Load(odd + j))
                    : Pairs(LoadSome(even + j, readable), odd == null ? Vector512<float>.Zero : LoadSome(odd + j, readable));
                pairs.Store(packed + j);
            }

            packed += width;
        }
    }

    // From columns that are contiguous along the contraction.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TurnPanel(float* source, long step, int k, int columns, int width, uint* packed)
    {
        for (var j = 0; j < width; j += Lanes)
        {
            var i = 0;
            for (; j + Lanes <= columns && i + 2 * Lanes <= k; i += 2 * Lanes)
            {
                TurnBlock(source + j * step + i, step, packed + i / 2 * width + j, width);
            }

            for (; i < k; i += 2)
            {
                for (var c = j; c < Math.Min(j + Lanes, width); c++)
                {
                    packed[(i / 2 * width) + c] = c < columns ? Pair(source + (c * step) + i, i + 1 < k) : 0;
                }
            }
        }
    }

    // 16 columns of 32 numbers. All of a row is read at once, because columns at a distance of a power of two share sets of the first-level cache.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TurnBlock(float* source, long step, uint* target, long width)
    {
        Turn4(source, step, out var a0, out var a1, out var a2, out var a3);
        Turn4(source + 4 * step, step, out var b0, out var b1, out var b2, out var b3);
        Turn4(source + 8 * step, step, out var c0, out var c1, out var c2, out var c3);
        Turn4(source + 12 * step, step, out var d0, out var d1, out var d2, out var d3);
        Store4(a0, b0, c0, d0, target, width);
        Store4(a1, b1, c1, d1, target + width, width);
        Store4(a2, b2, c2, d2, target + 8 * width, width);
        Store4(a3, b3, c3, d3, target + 9 * width, width);
    }

    // Four columns: lane l (of 128 bits) of the results has of all four columns pairs 2l, 2l + 1, 2l + 8, 2l + 9.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn4(float* source, long step, out Vector512<ulong> q0, out Vector512<ulong> q1, out Vector512<ulong> q2, out Vector512<ulong> q3)
    {
        var (r0, r1, r2, r3) = (Row32(source), Row32(source + step), Row32(source + 2 * step), Row32(source + 3 * step));
        var t0 = Avx512F.UnpackLow(r0, r1).AsUInt64();
        var t1 = Avx512F.UnpackHigh(r0, r1).AsUInt64();
        var t2 = Avx512F.UnpackLow(r2, r3).AsUInt64();
        var t3 = Avx512F.UnpackHigh(r2, r3).AsUInt64();
        q0 = Avx512F.UnpackLow(t0, t2);
        q1 = Avx512F.UnpackHigh(t0, t2);
        q2 = Avx512F.UnpackLow(t1, t3);
        q3 = Avx512F.UnpackHigh(t1, t3);
    }

    // 32 numbers of a column; lane l has pairs 2l, 2l + 1, 2l + 8, 2l + 9.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Row32(float* source) => Avx512BW.PackUnsignedSaturate(
        Vector512.ShiftRightLogical(BFloat16.RoundToUpperHalf(Vector512.Load(source)), 16).AsInt32(),
        Vector512.ShiftRightLogical(BFloat16.RoundToUpperHalf(Vector512.Load(source + Lanes)), 16).AsInt32()).AsUInt32();

    // Lanes l of the four vectors side by side are row 2l.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store4(Vector512<ulong> a, Vector512<ulong> b, Vector512<ulong> c, Vector512<ulong> d, uint* target, long width)
    {
        const byte LowLanes = 0x44;
        const byte HighLanes = 0xEE;
        const byte EvenLanes = 0x88;
        const byte OddLanes = 0xDD;
        var (abLow, cdLow) = (Avx512F.Shuffle4x128(a, b, LowLanes), Avx512F.Shuffle4x128(c, d, LowLanes));
        var (abHigh, cdHigh) = (Avx512F.Shuffle4x128(a, b, HighLanes), Avx512F.Shuffle4x128(c, d, HighLanes));
        Avx512F.Shuffle4x128(abLow, cdLow, EvenLanes).AsUInt32().Store(target);
        Avx512F.Shuffle4x128(abLow, cdLow, OddLanes).AsUInt32().Store(target + 2 * width);
        Avx512F.Shuffle4x128(abHigh, cdHigh, EvenLanes).AsUInt32().Store(target + 4 * width);
        Avx512F.Shuffle4x128(abHigh, cdHigh, OddLanes).AsUInt32().Store(target + 6 * width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Pairs(Vector512<float> even, Vector512<float> odd) =>
        Vector512.ShiftRightLogical(BFloat16.RoundToUpperHalf(even), 16) | (BFloat16.RoundToUpperHalf(odd) & Vector512.Create(0xFFFF0000u));

    private static uint Pair(float* source, bool hasSecond) =>
        BFloat16.Round(source[0]) | (hasSecond ? (uint)BFloat16.Round(source[1]) << 16 : 0);

    private static Vector512<float> LoadSome(float* source, int count) => count <= 0
        ? Vector512<float>.Zero
        : Avx512F.MaskLoad(source, Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle(), Vector512<float>.Zero);
}
