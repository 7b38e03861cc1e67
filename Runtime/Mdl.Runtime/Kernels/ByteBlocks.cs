using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Mdl.Runtime.Assembly;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Products of rows in single precision with matrices held in blocks of integers, multiplied as bytes: rows are rounded to blocks of 32 that share a scale, as
/// the matrix is. An element's bits depend on its own row and column alone.
/// </summary>
internal static unsafe class ByteBlocks
{
    /// <summary>Whether the operands have the form: rows contiguous, columns in whole blocks of integers.</summary>
    public static bool Fits(in Matrix a, in Matrix b, int k) =>
        a.Format == ElementFormat.Single && a.ColumnStride == 1 && k > 0
            && b.Format is ElementFormat.Int8Blocks or ElementFormat.Int4Blocks && BlockDots.Fits(b, k);

    /// <summary>Bytes of the packed rows.</summary>
    public static long LeftBytes(int rows, int k) => new TileHeights(rows, ByteTile.Rows).Count * TileBytes(k);

    /// <summary>Bytes of a panel of <see cref="ByteTile.Columns"/> columns.</summary>
    public static long PanelBytes(int k) => (long)k / ByteTile.Block * ByteTile.RightBytes;

    /// <summary>Rounds and packs the rows of some tiles of a, for a right operand whose bytes are its integers and <paramref name="zero"/>; see <see cref="Zero"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackLeft(in Matrix a, int k, int zero, in TileHeights tiles, int first, int count, byte* packed)
    {
        var row = First(tiles, first);
        for (var t = first; t < first + count; t++)
        {
            var height = tiles.Height(t);
            var target = packed + (t * TileBytes(k));
            for (var r = 0; r < height; r++)
            {
                PackRow(a.Row(row + r), k, zero, target + (r * 4));
            }

            row += height;
        }
    }

    /// <summary>What is added to the integers of a format so that they have no sign.</summary>
    public static int Zero(ElementFormat format) => format == ElementFormat.Int8Blocks ? 128 : 8;

    /// <summary>Packs up to <see cref="ByteTile.Columns"/> columns of b; those that do not exist repeat the last one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRight(in Matrix b, int column, int columns, bool isLast, int k, byte* panel)
    {
        var start = b.Start;
        var places = stackalloc byte*[ByteTile.Columns];
        var scales = stackalloc ushort*[ByteTile.Columns];
        var isBytes = start.Format == ElementFormat.Int8Blocks;
        for (var j = 0; j < ByteTile.Columns; j++)
        {
            var element = start.Element + ((column + Math.Min(j, columns - 1)) * b.ColumnStride);
            places[j] = start.Data + (isBytes ? element : element / 2);
            scales[j] = (ushort*)start.Scales + (element / ByteTile.Block);
        }

        // While this panel is in use, the memory brings the next one.
        var ahead = isLast ? 0 : ByteTile.Columns * b.ColumnStride / (isBytes ? 1 : 2);
        var blocks = k / ByteTile.Block;
        for (var j = 0; j < ByteTile.Columns; j += 8)
        {
            PackScales(scales + j, blocks, panel + (ByteTile.Columns * ByteTile.Block) + (j * 4));
            if (isBytes)
            {
                PackBytes(places + j, blocks, ahead, panel + (j * 4));
            }
            else
            {
                PackHalves(places + j, blocks, ahead, panel + (j * 4));
            }
        }
    }

    /// <summary>The tiles of one panel: c[rows, columns] (+)= a b, then the epilogue.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TEpilogue>(
        ByteBlockKernels kernels, byte* left, in TileHeights tiles, byte* panel, float* c, long ldc, int columns, int k, bool accumulate,
        ref TEpilogue epilogue, int row, int column)
        where TEpilogue : struct, ITileEpilogue
    {
        var tile = new ByteTile { A = left, B = panel, C = c, CRowStep = ldc * sizeof(float), Blocks = k / ByteTile.Block, Accumulate = accumulate ? 1 : 0 };
        for (var t = 0; t < tiles.Count; t++)
        {
            var height = tiles.Height(t);
            kernels.Run(&tile, height, columns);
            if (typeof(TEpilogue) != typeof(NoEpilogue))
            {
                epilogue.Apply(tile.C, ldc, row, column, height, columns);
            }

            row += height;
            tile.A += TileBytes(k);
            tile.C += height * ldc;
        }
    }

    /// <summary>The first row of a tile.</summary>
    private static int First(in TileHeights tiles, int tile)
    {
        var row = 0;
        for (var t = 0; t < tile; t++)
        {
            row += tiles.Height(t);
        }

        return row;
    }

    private static long TileBytes(int k) => (long)k / ByteTile.Block * ByteTile.LeftBytes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackRow(float* x, int k, int zero, byte* target)
    {
        for (var i = 0; i < k; i += ByteTile.Block)
        {
            var (low, high) = (Vector512.Load(x + i), Vector512.Load(x + i + 16));
            var scale = Largest(low, high) / 127;
            var inverse = scale == 0 ? 0 : 1 / scale;
            var p = Vector512.ConvertToInt32(Vector512.Round(low * inverse));
            var q = Vector512.ConvertToInt32(Vector512.Round(high * inverse));
            *(int*)target = -zero * Vector512.Sum(p + q);
            *(float*)(target + (ByteTile.Rows * 4)) = scale;
            var (first, second) = (Bytes(p).AsInt32(), Bytes(q).AsInt32());
            var groups = (int*)(target + (ByteTile.Rows * 8));
            for (var lane = 0; lane < 4; lane++)
            {
                groups[lane * ByteTile.Rows] = first[lane];
                groups[(lane + 4) * ByteTile.Rows] = second[lane];
            }

            target += ByteTile.LeftBytes;
        }
    }

    /// <summary>The largest magnitude of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Vector512<float> low, Vector512<float> high)
    {
        var both = Vector512.Max(Vector512.Abs(low), Vector512.Abs(high));
        var half = Vector256.Max(both.GetLower(), both.GetUpper());
        var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return MathF.Max(MathF.Max(quarter[0], quarter[1]), MathF.Max(quarter[2], quarter[3]));
    }

    /// <summary>Integers that fit as bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Bytes(Vector512<int> x)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector128SByteWithSaturation(x);
        }

        var narrow = Vector256.Narrow(x.GetLower(), x.GetUpper());
        return Vector128.Narrow(narrow.GetLower(), narrow.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackBytes(byte** places, int blocks, long ahead, byte* target)
    {
        byte* p0 = places[0], p1 = places[1], p2 = places[2], p3 = places[3], p4 = places[4], p5 = places[5], p6 = places[6], p7 = places[7];
        for (var i = 0; i < blocks; i++)
        {
            Turn(Signed(p0), Signed(p1), Signed(p2), Signed(p3), Signed(p4), Signed(p5), Signed(p6), Signed(p7), target, ByteTile.Columns * 4);
            if (ahead > 0 && (i & 1) == 0)
            {
                Fetch(p0 + ahead, p1 + ahead, p2 + ahead, p3 + ahead, p4 + ahead, p5 + ahead, p6 + ahead, p7 + ahead);
            }

            p0 += 32;
            p1 += 32;
            p2 += 32;
            p3 += 32;
            p4 += 32;
            p5 += 32;
            p6 += 32;
            p7 += 32;
            target += ByteTile.RightBytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackHalves(byte** places, int blocks, long ahead, byte* target)
    {
        byte* p0 = places[0], p1 = places[1], p2 = places[2], p3 = places[3], p4 = places[4], p5 = places[5], p6 = places[6], p7 = places[7];
        for (var i = 0; i < blocks; i++)
        {
            Turn(Halves(p0), Halves(p1), Halves(p2), Halves(p3), Halves(p4), Halves(p5), Halves(p6), Halves(p7), target, ByteTile.Columns * 4);
            if (ahead > 0 && (i & 3) == 0)
            {
                Fetch(p0 + ahead, p1 + ahead, p2 + ahead, p3 + ahead, p4 + ahead, p5 + ahead, p6 + ahead, p7 + ahead);
            }

            p0 += 16;
            p1 += 16;
            p2 += 16;
            p3 += 16;
            p4 += 16;
            p5 += 16;
            p6 += 16;
            p7 += 16;
            target += ByteTile.RightBytes;
        }
    }

    // The scales of eight columns lie side by side in each block.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackScales(ushort** scales, int blocks, byte* target)
    {
        var i = 0;
        for (; i + 8 <= blocks; i += 8)
        {
            Turn(
                Widened(scales[0] + i), Widened(scales[1] + i), Widened(scales[2] + i), Widened(scales[3] + i), Widened(scales[4] + i), Widened(scales[5] + i),
                Widened(scales[6] + i), Widened(scales[7] + i), target + ((long)i * ByteTile.RightBytes), ByteTile.RightBytes);
        }

        for (; i < blocks; i++)
        {
            for (var j = 0; j < 8; j++)
            {
                ((float*)(target + ((long)i * ByteTile.RightBytes)))[j] = BFloat16.Widen(scales[j][i]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Widened(ushort* scales) => Avx2.ConvertToVector256Int32(Vector128.Load(scales)) << 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Signed(byte* data) => (Vector256.Load(data) ^ Vector256.Create((byte)0x80)).AsInt32();

    // The lower halves of a block's 16 bytes are its first 16 elements, the upper halves the others.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Halves(byte* data)
    {
        var both = Vector128.Load(data);
        return Vector256.Create(both & Vector128.Create((byte)15), Vector128.ShiftRightLogical(both.AsUInt16(), 4).AsByte() & Vector128.Create((byte)15)).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* p0, byte* p1, byte* p2, byte* p3, byte* p4, byte* p5, byte* p6, byte* p7)
    {
        Sse.Prefetch1(p0);
        Sse.Prefetch1(p1);
        Sse.Prefetch1(p2);
        Sse.Prefetch1(p3);
        Sse.Prefetch1(p4);
        Sse.Prefetch1(p5);
        Sse.Prefetch1(p6);
        Sse.Prefetch1(p7);
    }

    // Groups of four bytes of eight columns: those of one place along the contraction come to lie side by side, and the next ones a step later.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(
        Vector256<int> r0, Vector256<int> r1, Vector256<int> r2, Vector256<int> r3, Vector256<int> r4, Vector256<int> r5, Vector256<int> r6, Vector256<int> r7, byte* target,
        long step)
    {
        var (a0, a1) = (Avx2.UnpackLow(r0, r1).AsInt64(), Avx2.UnpackHigh(r0, r1).AsInt64());
        var (a2, a3) = (Avx2.UnpackLow(r2, r3).AsInt64(), Avx2.UnpackHigh(r2, r3).AsInt64());
        var (a4, a5) = (Avx2.UnpackLow(r4, r5).AsInt64(), Avx2.UnpackHigh(r4, r5).AsInt64());
        var (a6, a7) = (Avx2.UnpackLow(r6, r7).AsInt64(), Avx2.UnpackHigh(r6, r7).AsInt64());
        var (b0, b1, b2, b3) = (Avx2.UnpackLow(a0, a2), Avx2.UnpackHigh(a0, a2), Avx2.UnpackLow(a1, a3), Avx2.UnpackHigh(a1, a3));
        var (b4, b5, b6, b7) = (Avx2.UnpackLow(a4, a6), Avx2.UnpackHigh(a4, a6), Avx2.UnpackLow(a5, a7), Avx2.UnpackHigh(a5, a7));
        Avx2.Permute2x128(b0, b4, 0x20).Store((long*)target);
        Avx2.Permute2x128(b1, b5, 0x20).Store((long*)(target + step));
        Avx2.Permute2x128(b2, b6, 0x20).Store((long*)(target + (2 * step)));
        Avx2.Permute2x128(b3, b7, 0x20).Store((long*)(target + (3 * step)));
        Avx2.Permute2x128(b0, b4, 0x31).Store((long*)(target + (4 * step)));
        Avx2.Permute2x128(b1, b5, 0x31).Store((long*)(target + (5 * step)));
        Avx2.Permute2x128(b2, b6, 0x31).Store((long*)(target + (6 * step)));
        Avx2.Permute2x128(b3, b7, 0x31).Store((long*)(target + (7 * step)));
    }
}
