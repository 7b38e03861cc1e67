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
        for (var j = 0; j < width; j += 8)
        {
            var i = 0;
            if (Avx.IsSupported && j + 8 <= columns)
            {
                for (; i + 8 <= k; i += 8)
                {
                    Block(source + j * step + i, step, packed + (long)i * width + j, width);
                }
            }

            for (; i < k; i++)
            {
                for (var jj = j; jj < j + 8; jj++)
                {
                    packed[(long)i * width + jj] = jj < columns ? source[jj * step + i] : 0;
                }
            }
        }
    }

    // Eight by eight; rows 4 to 7 are loaded into upper halves, which saves the exchange of halves at the end.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block(float* source, long step, float* target, long width)
    {
        var r0 = Halves(source, step, 0);
        var r1 = Halves(source, step, 1);
        var r2 = Halves(source, step, 2);
        var r3 = Halves(source, step, 3);
        Quarter(r0, r1, r2, r3, target, width);
        r0 = Halves(source + 4, step, 0);
        r1 = Halves(source + 4, step, 1);
        r2 = Halves(source + 4, step, 2);
        r3 = Halves(source + 4, step, 3);
        Quarter(r0, r1, r2, r3, target + 4 * width, width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Halves(float* source, long step, int row) =>
        Vector256.Create(Vector128.Load(source + row * step), Vector128.Load(source + (row + 4) * step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter(Vector256<float> r0, Vector256<float> r1, Vector256<float> r2, Vector256<float> r3, float* target, long width)
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
