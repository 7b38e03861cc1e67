using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Products of a tile that stays in 24 vector registers. Written out row by row: the compiler keeps named values in registers, not arrays.
/// </summary>
internal static unsafe class AttentionTiles
{
    /// <summary>Rows of a tile.</summary>
    public const int Height = 12;

    /// <summary>Columns of a tile.</summary>
    public const int Width = 32;

    /// <summary>c [12, 32] (+)= a [12, k] b [k, 32]; a is stored row by row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* a, long lda, float* b, long ldb, float* c, long ldc, int k, bool accumulate)
    {
        Vector512<float> c0, d0, c1, d1, c2, d2, c3, d3, c4, d4, c5, d5;
        Vector512<float> c6, d6, c7, d7, c8, d8, c9, d9, c10, d10, c11, d11;
        if (accumulate)
        {
            c0 = Vector512.Load(c);
            d0 = Vector512.Load(c + Rows.Lanes);
            c1 = Vector512.Load(c + ldc);
            d1 = Vector512.Load(c + ldc + Rows.Lanes);
            c2 = Vector512.Load(c + (2 * ldc));
            d2 = Vector512.Load(c + (2 * ldc) + Rows.Lanes);
            c3 = Vector512.Load(c + (3 * ldc));
            d3 = Vector512.Load(c + (3 * ldc) + Rows.Lanes);
            c4 = Vector512.Load(c + (4 * ldc));
            d4 = Vector512.Load(c + (4 * ldc) + Rows.Lanes);
            c5 = Vector512.Load(c + (5 * ldc));
            d5 = Vector512.Load(c + (5 * ldc) + Rows.Lanes);
            c6 = Vector512.Load(c + (6 * ldc));
            d6 = Vector512.Load(c + (6 * ldc) + Rows.Lanes);
            c7 = Vector512.Load(c + (7 * ldc));
            d7 = Vector512.Load(c + (7 * ldc) + Rows.Lanes);
            c8 = Vector512.Load(c + (8 * ldc));
            d8 = Vector512.Load(c + (8 * ldc) + Rows.Lanes);
            c9 = Vector512.Load(c + (9 * ldc));
            d9 = Vector512.Load(c + (9 * ldc) + Rows.Lanes);
            c10 = Vector512.Load(c + (10 * ldc));
            d10 = Vector512.Load(c + (10 * ldc) + Rows.Lanes);
            c11 = Vector512.Load(c + (11 * ldc));
            d11 = Vector512.Load(c + (11 * ldc) + Rows.Lanes);
        }
        else
        {
            c0 = d0 = Vector512<float>.Zero;
            c1 = d1 = Vector512<float>.Zero;
            c2 = d2 = Vector512<float>.Zero;
            c3 = d3 = Vector512<float>.Zero;
            c4 = d4 = Vector512<float>.Zero;
            c5 = d5 = Vector512<float>.Zero;
            c6 = d6 = Vector512<float>.Zero;
            c7 = d7 = Vector512<float>.Zero;
            c8 = d8 = Vector512<float>.Zero;
            c9 = d9 = Vector512<float>.Zero;
            c10 = d10 = Vector512<float>.Zero;
            c11 = d11 = Vector512<float>.Zero;
        }

        var a3 = a + (3 * lda);
        var a6 = a + (6 * lda);
        var a9 = a + (9 * lda);
        for (; k > 0; k--)
        {
            var b0 = Vector512.Load(b);
            var b1 = Vector512.Load(b + Rows.Lanes);
            var x0 = Vector512.Create(*a);
            c0 = Vector512.FusedMultiplyAdd(x0, b0, c0);
            d0 = Vector512.FusedMultiplyAdd(x0, b1, d0);
            var x1 = Vector512.Create(a[lda]);
            c1 = Vector512.FusedMultiplyAdd(x1, b0, c1);
            d1 = Vector512.FusedMultiplyAdd(x1, b1, d1);
            var x2 = Vector512.Create(a[2 * lda]);
            c2 = Vector512.FusedMultiplyAdd(x2, b0, c2);
            d2 = Vector512.FusedMultiplyAdd(x2, b1, d2);
            var x3 = Vector512.Create(*a3);
            c3 = Vector512.FusedMultiplyAdd(x3, b0, c3);
            d3 = Vector512.FusedMultiplyAdd(x3, b1, d3);
            var x4 = Vector512.Create(a3[lda]);
            c4 = Vector512.FusedMultiplyAdd(x4, b0, c4);
            d4 = Vector512.FusedMultiplyAdd(x4, b1, d4);
            var x5 = Vector512.Create(a3[2 * lda]);
            c5 = Vector512.FusedMultiplyAdd(x5, b0, c5);
            d5 = Vector512.FusedMultiplyAdd(x5, b1, d5);
            var x6 = Vector512.Create(*a6);
            c6 = Vector512.FusedMultiplyAdd(x6, b0, c6);
            d6 = Vector512.FusedMultiplyAdd(x6, b1, d6);
            var x7 = Vector512.Create(a6[lda]);
            c7 = Vector512.FusedMultiplyAdd(x7, b0, c7);
            d7 = Vector512.FusedMultiplyAdd(x7, b1, d7);
            var x8 = Vector512.Create(a6[2 * lda]);
            c8 = Vector512.FusedMultiplyAdd(x8, b0, c8);
            d8 = Vector512.FusedMultiplyAdd(x8, b1, d8);
            var x9 = Vector512.Create(*a9);
            c9 = Vector512.FusedMultiplyAdd(x9, b0, c9);
            d9 = Vector512.FusedMultiplyAdd(x9, b1, d9);
            var x10 = Vector512.Create(a9[lda]);
            c10 = Vector512.FusedMultiplyAdd(x10, b0, c10);
            d10 = Vector512.FusedMultiplyAdd(x10, b1, d10);
            var x11 = Vector512.Create(a9[2 * lda]);
            c11 = Vector512.FusedMultiplyAdd(x11, b0, c11);
            d11 = Vector512.FusedMultiplyAdd(x11, b1, d11);
            b += ldb;
            a++;
            a3++;
            a6++;
            a9++;
        }

        c0.Store(c);
        d0.Store(c + Rows.Lanes);
        c1.Store(c + ldc);
        d1.Store(c + ldc + Rows.Lanes);
        c2.Store(c + (2 * ldc));
        d2.Store(c + (2 * ldc) + Rows.Lanes);
        c3.Store(c + (3 * ldc));
        d3.Store(c + (3 * ldc) + Rows.Lanes);
        c4.Store(c + (4 * ldc));
        d4.Store(c + (4 * ldc) + Rows.Lanes);
        c5.Store(c + (5 * ldc));
        d5.Store(c + (5 * ldc) + Rows.Lanes);
        c6.Store(c + (6 * ldc));
        d6.Store(c + (6 * ldc) + Rows.Lanes);
        c7.Store(c + (7 * ldc));
        d7.Store(c + (7 * ldc) + Rows.Lanes);
        c8.Store(c + (8 * ldc));
        d8.Store(c + (8 * ldc) + Rows.Lanes);
        c9.Store(c + (9 * ldc));
        d9.Store(c + (9 * ldc) + Rows.Lanes);
        c10.Store(c + (10 * ldc));
        d10.Store(c + (10 * ldc) + Rows.Lanes);
        c11.Store(c + (11 * ldc));
        d11.Store(c + (11 * ldc) + Rows.Lanes);
    }

    /// <summary>c [12, 32] (+)= a [12, k] b [k, 32]; a is stored column by column, lda floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyTransposed(float* a, long lda, float* b, long ldb, float* c, long ldc, int k, bool accumulate)
    {
        Vector512<float> c0, d0, c1, d1, c2, d2, c3, d3, c4, d4, c5, d5;
        Vector512<float> c6, d6, c7, d7, c8, d8, c9, d9, c10, d10, c11, d11;
        if (accumulate)
        {
            c0 = Vector512.Load(c);
            d0 = Vector512.Load(c + Rows.Lanes);
            c1 = Vector512.Load(c + ldc);
            d1 = Vector512.Load(c + ldc + Rows.Lanes);
            c2 = Vector512.Load(c + (2 * ldc));
            d2 = Vector512.Load(c + (2 * ldc) + Rows.Lanes);
            c3 = Vector512.Load(c + (3 * ldc));
            d3 = Vector512.Load(c + (3 * ldc) + Rows.Lanes);
            c4 = Vector512.Load(c + (4 * ldc));
            d4 = Vector512.Load(c + (4 * ldc) + Rows.Lanes);
            c5 = Vector512.Load(c + (5 * ldc));
            d5 = Vector512.Load(c + (5 * ldc) + Rows.Lanes);
            c6 = Vector512.Load(c + (6 * ldc));
            d6 = Vector512.Load(c + (6 * ldc) + Rows.Lanes);
            c7 = Vector512.Load(c + (7 * ldc));
            d7 = Vector512.Load(c + (7 * ldc) + Rows.Lanes);
            c8 = Vector512.Load(c + (8 * ldc));
            d8 = Vector512.Load(c + (8 * ldc) + Rows.Lanes);
            c9 = Vector512.Load(c + (9 * ldc));
            d9 = Vector512.Load(c + (9 * ldc) + Rows.Lanes);
            c10 = Vector512.Load(c + (10 * ldc));
            d10 = Vector512.Load(c + (10 * ldc) + Rows.Lanes);
            c11 = Vector512.Load(c + (11 * ldc));
            d11 = Vector512.Load(c + (11 * ldc) + Rows.Lanes);
        }
        else
        {
            c0 = d0 = Vector512<float>.Zero;
            c1 = d1 = Vector512<float>.Zero;
            c2 = d2 = Vector512<float>.Zero;
            c3 = d3 = Vector512<float>.Zero;
            c4 = d4 = Vector512<float>.Zero;
            c5 = d5 = Vector512<float>.Zero;
            c6 = d6 = Vector512<float>.Zero;
            c7 = d7 = Vector512<float>.Zero;
            c8 = d8 = Vector512<float>.Zero;
            c9 = d9 = Vector512<float>.Zero;
            c10 = d10 = Vector512<float>.Zero;
            c11 = d11 = Vector512<float>.Zero;
        }

        for (; k > 0; k--)
        {
            var b0 = Vector512.Load(b);
            var b1 = Vector512.Load(b + Rows.Lanes);
            var x0 = Vector512.Create(*a);
            c0 = Vector512.FusedMultiplyAdd(x0, b0, c0);
            d0 = Vector512.FusedMultiplyAdd(x0, b1, d0);
            var x1 = Vector512.Create(a[1]);
            c1 = Vector512.FusedMultiplyAdd(x1, b0, c1);
            d1 = Vector512.FusedMultiplyAdd(x1, b1, d1);
            var x2 = Vector512.Create(a[2]);
            c2 = Vector512.FusedMultiplyAdd(x2, b0, c2);
            d2 = Vector512.FusedMultiplyAdd(x2, b1, d2);
            var x3 = Vector512.Create(a[3]);
            c3 = Vector512.FusedMultiplyAdd(x3, b0, c3);
            d3 = Vector512.FusedMultiplyAdd(x3, b1, d3);
            var x4 = Vector512.Create(a[4]);
            c4 = Vector512.FusedMultiplyAdd(x4, b0, c4);
            d4 = Vector512.FusedMultiplyAdd(x4, b1, d4);
            var x5 = Vector512.Create(a[5]);
            c5 = Vector512.FusedMultiplyAdd(x5, b0, c5);
            d5 = Vector512.FusedMultiplyAdd(x5, b1, d5);
            var x6 = Vector512.Create(a[6]);
            c6 = Vector512.FusedMultiplyAdd(x6, b0, c6);
            d6 = Vector512.FusedMultiplyAdd(x6, b1, d6);
            var x7 = Vector512.Create(a[7]);
            c7 = Vector512.FusedMultiplyAdd(x7, b0, c7);
            d7 = Vector512.FusedMultiplyAdd(x7, b1, d7);
            var x8 = Vector512.Create(a[8]);
            c8 = Vector512.FusedMultiplyAdd(x8, b0, c8);
            d8 = Vector512.FusedMultiplyAdd(x8, b1, d8);
            var x9 = Vector512.Create(a[9]);
            c9 = Vector512.FusedMultiplyAdd(x9, b0, c9);
            d9 = Vector512.FusedMultiplyAdd(x9, b1, d9);
            var x10 = Vector512.Create(a[10]);
            c10 = Vector512.FusedMultiplyAdd(x10, b0, c10);
            d10 = Vector512.FusedMultiplyAdd(x10, b1, d10);
            var x11 = Vector512.Create(a[11]);
            c11 = Vector512.FusedMultiplyAdd(x11, b0, c11);
            d11 = Vector512.FusedMultiplyAdd(x11, b1, d11);
            b += ldb;
            a += lda;
        }

        c0.Store(c);
        d0.Store(c + Rows.Lanes);
        c1.Store(c + ldc);
        d1.Store(c + ldc + Rows.Lanes);
        c2.Store(c + (2 * ldc));
        d2.Store(c + (2 * ldc) + Rows.Lanes);
        c3.Store(c + (3 * ldc));
        d3.Store(c + (3 * ldc) + Rows.Lanes);
        c4.Store(c + (4 * ldc));
        d4.Store(c + (4 * ldc) + Rows.Lanes);
        c5.Store(c + (5 * ldc));
        d5.Store(c + (5 * ldc) + Rows.Lanes);
        c6.Store(c + (6 * ldc));
        d6.Store(c + (6 * ldc) + Rows.Lanes);
        c7.Store(c + (7 * ldc));
        d7.Store(c + (7 * ldc) + Rows.Lanes);
        c8.Store(c + (8 * ldc));
        d8.Store(c + (8 * ldc) + Rows.Lanes);
        c9.Store(c + (9 * ldc));
        d9.Store(c + (9 * ldc) + Rows.Lanes);
        c10.Store(c + (10 * ldc));
        d10.Store(c + (10 * ldc) + Rows.Lanes);
        c11.Store(c + (11 * ldc));
        d11.Store(c + (11 * ldc) + Rows.Lanes);
    }
}
