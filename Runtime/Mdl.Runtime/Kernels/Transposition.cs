using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>Turns columns in memory into rows of a panel.</summary>
internal static unsafe class Transposition
{
    /// <summary>
    /// packed[i * width + j] = source[j * step + i] for i below k and j below columns, and 0 for j from columns to width; width is a multiple of 8.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(float* source, long step, int k, int columns, int width, float* packed)
    {
        var j = 0;
        for (; Avx512F.IsSupported && j + 16 <= columns; j += 16)
        {
            var i = 0;
            for (; i + 16 <= k; i += 16)
            {
                Block16(source + j * step + i, step, packed + (long)i * width + j, width);
            }

            Copy(source, step, i, k, j, j + 16, columns, width, packed);
        }

        for (; j < width; j += 8)
        {
            var i = 0;
            for (; Avx.IsSupported && j + 8 <= columns && i + 8 <= k; i += 8)
            {
                Block8(source + j * step + i, step, packed + (long)i * width + j, width);
            }

            Copy(source, step, i, k, j, j + 8, columns, width, packed);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(float* source, long step, int i, int k, int firstColumn, int endColumn, int columns, int width, float* packed)
    {
        for (; i < k; i++)
        {
            for (var j = firstColumn; j < endColumn; j++)
            {
                packed[(long)i * width + j] = j < columns ? source[j * step + i] : 0;
            }
        }
    }

    // All of a cache line is read at once, by four loads of one row: sixteen rows at a distance of a power of two share a set of the
    // first-level cache, which would not keep them for later.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block16(float* source, long step, float* target, long width)
    {
        Row4(source, step, out var a0, out var b0, out var c0, out var d0);
        Row4(source + step, step, out var a1, out var b1, out var c1, out var d1);
        Row4(source + 2 * step, step, out var a2, out var b2, out var c2, out var d2);
        Row4(source + 3 * step, step, out var a3, out var b3, out var c3, out var d3);
        Quarter16(a0, a1, a2, a3, target, width);
        Quarter16(b0, b1, b2, b3, target + 4 * width, width);
        Quarter16(c0, c1, c2, c3, target + 8 * width, width);
        Quarter16(d0, d1, d2, d3, target + 12 * width, width);
    }

    // Every fourth row in a lane of its own.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row4(
        float* source, long step, out Vector512<float> a, out Vector512<float> b, out Vector512<float> c, out Vector512<float> d)
    {
        a = Lanes(source, 4 * step);
        b = Lanes(source + 4, 4 * step);
        c = Lanes(source + 8, 4 * step);
        d = Lanes(source + 12, 4 * step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Lanes(float* source, long step)
    {
        var lanes = Vector128.Load(source).ToVector256Unsafe().ToVector512Unsafe();
        lanes = Avx512F.InsertVector128(lanes, Vector128.Load(source + step), 1);
        lanes = Avx512F.InsertVector128(lanes, Vector128.Load(source + 2 * step), 2);
        return Avx512F.InsertVector128(lanes, Vector128.Load(source + 3 * step), 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter16(Vector512<float> r0, Vector512<float> r1, Vector512<float> r2, Vector512<float> r3, float* target, long width)
    {
        var t0 = Avx512F.UnpackLow(r0, r1).AsDouble();
        var t1 = Avx512F.UnpackHigh(r0, r1).AsDouble();
        var t2 = Avx512F.UnpackLow(r2, r3).AsDouble();
        var t3 = Avx512F.UnpackHigh(r2, r3).AsDouble();
        Avx512F.UnpackLow(t0, t2).AsSingle().Store(target);
        Avx512F.UnpackHigh(t0, t2).AsSingle().Store(target + width);
        Avx512F.UnpackLow(t1, t3).AsSingle().Store(target + 2 * width);
        Avx512F.UnpackHigh(t1, t3).AsSingle().Store(target + 3 * width);
    }

    /// <summary>packed[i * count + j] = rows[j][i] for i below k.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows(float** rows, int count, int k, float* packed)
    {
        var i = Avx512F.IsSupported && count == 12 ? Rows12(rows, k, packed) : 0;
        for (; i < k; i++)
        {
            for (var j = 0; j < count; j++)
            {
                packed[(long)i * count + j] = rows[j][i];
            }
        }
    }

    // Four columns at a time; every fourth row in a lane of its own. The fourth lane is written too, and overwritten by what follows it, so the
    // last columns are left to the caller. Returns how many are done.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Rows12(float** rows, int k, float* packed)
    {
        float* r0 = rows[0], r1 = rows[1], r2 = rows[2], r3 = rows[3], r4 = rows[4], r5 = rows[5];
        float* r6 = rows[6], r7 = rows[7], r8 = rows[8], r9 = rows[9], r10 = rows[10], r11 = rows[11];
        var i = 0;
        for (; i + 5 <= k; i += 4)
        {
            var a = Three(r0 + i, r4 + i, r8 + i);
            var b = Three(r1 + i, r5 + i, r9 + i);
            var c = Three(r2 + i, r6 + i, r10 + i);
            var d = Three(r3 + i, r7 + i, r11 + i);
            Quarter16(a, b, c, d, packed + (long)i * 12, 12);
        }

        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Three(float* x, float* y, float* z) =>
        Avx512F.InsertVector128(Vector256.Create(Vector128.Load(x), Vector128.Load(y)).ToVector512Unsafe(), Vector128.Load(z), 2);

    // Eight by eight; rows 4 to 7 are loaded into upper halves, which saves the exchange of halves at the end.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block8(float* source, long step, float* target, long width)
    {
        var r0 = Halves(source, step, 0);
        var r1 = Halves(source, step, 1);
        var r2 = Halves(source, step, 2);
        var r3 = Halves(source, step, 3);
        Quarter8(r0, r1, r2, r3, target, width);
        r0 = Halves(source + 4, step, 0);
        r1 = Halves(source + 4, step, 1);
        r2 = Halves(source + 4, step, 2);
        r3 = Halves(source + 4, step, 3);
        Quarter8(r0, r1, r2, r3, target + 4 * width, width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Halves(float* source, long step, int row) =>
        Vector256.Create(Vector128.Load(source + row * step), Vector128.Load(source + (row + 4) * step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter8(Vector256<float> r0, Vector256<float> r1, Vector256<float> r2, Vector256<float> r3, float* target, long width)
    {
        var t0 = Avx.UnpackLow(r0, r1).AsDouble();
        var t1 = Avx.UnpackHigh(r0, r1).AsDouble();
        var t2 = Avx.UnpackLow(r2, r3).AsDouble();
        var t3 = Avx.UnpackHigh(r2, r3).AsDouble();
        Avx.UnpackLow(t0, t2).AsSingle().Store(target);
        Avx.UnpackHigh(t0, t2).AsSingle().Store(target + width);
        Avx.UnpackLow(t1, t3).AsSingle().Store(target + 2 * width);
        Avx.UnpackHigh(t1, t3).AsSingle().Store(target + 3 * width);
    }
}
