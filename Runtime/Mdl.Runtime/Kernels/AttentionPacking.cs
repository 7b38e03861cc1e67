using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>Brings heads that lie strided in memory into the dense, padded tiles that the products read.</summary>
internal static unsafe class AttentionPacking
{
    /// <summary>
    /// Panels of <see cref="AttentionTiles.Width"/> tokens, each transposed to [width, tokens of a panel]: the panel of token t starts at
    /// (t / Width) * width * Width. Tokens from <paramref name="tokens"/> to the end of the last panel are 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* from, long stride, int tokens, int width, float* to)
    {
        const int panel = AttentionTiles.Width;
        for (var first = 0; first < tokens; first += panel, to += (long)width * panel)
        {
            var count = Math.Min(panel, tokens - first);
            if (count < panel)
            {
                Rows.Clear(to, (long)width * panel);
            }

            var source = from + (first * stride);
            var token = 0;
            var wide = Avx512F.IsSupported ? width & ~(Rows.Lanes - 1) : 0;
            for (; token <= count - Rows.Lanes; token += Rows.Lanes)
            {
                for (var i = 0; i < wide; i += Rows.Lanes)
                {
                    Transpose16(source + (token * stride) + i, stride, to + (i * panel) + token);
                }

                TransposeEach(source + (token * stride), stride, Rows.Lanes, wide, width, to + token);
            }

            TransposeEach(source + (token * stride), stride, count - token, 0, width, to + token);
        }
    }

    /// <summary>to [count, ld] = scale * rows of <paramref name="from"/>, each padded with zeros to ld.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyRow(float* from, float scale, int width, float* to, int ld)
    {
        Rows.Scale(from, to, scale, width);
        for (var i = width; i < ld; i++)
        {
            to[i] = 0;
        }
    }

    /// <summary>Rows of tokens of one head, padded with zeros to ld columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* from, long stride, int tokens, int width, float* to, int ld)
    {
        for (var token = 0; token < tokens; token++)
        {
            CopyRow(from + (token * stride), 1, width, to + ((long)token * ld), ld);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeEach(float* from, long stride, int tokens, int begin, int end, float* to)
    {
        for (var token = 0; token < tokens; token++)
        {
            for (var i = begin; i < end; i++)
            {
                to[(i * AttentionTiles.Width) + token] = from[(token * stride) + i];
            }
        }
    }

    // Four steps that each exchange one bit of the row number with one bit of the column number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose16(float* from, long stride, float* to)
    {
        for (var quarter = 0; quarter < 4; quarter++)
        {
            // Columns 4 quarter .. 4 quarter + 3 of all 16 rows; one 128-bit lane holds four rows' parts side by side.
            var f = from + (4 * quarter);
            var r0 = Four(f, stride);
            var r1 = Four(f + stride, stride);
            var r2 = Four(f + (2 * stride), stride);
            var r3 = Four(f + (3 * stride), stride);
            var a = Avx512F.UnpackLow(r0, r1);
            var b = Avx512F.UnpackHigh(r0, r1);
            var c = Avx512F.UnpackLow(r2, r3);
            var d = Avx512F.UnpackHigh(r2, r3);
            var t = to + (4 * quarter * AttentionTiles.Width);
            Avx512F.UnpackLow(a.AsDouble(), c.AsDouble()).AsSingle().Store(t);
            Avx512F.UnpackHigh(a.AsDouble(), c.AsDouble()).AsSingle().Store(t + AttentionTiles.Width);
            Avx512F.UnpackLow(b.AsDouble(), d.AsDouble()).AsSingle().Store(t + (2 * AttentionTiles.Width));
            Avx512F.UnpackHigh(b.AsDouble(), d.AsDouble()).AsSingle().Store(t + (3 * AttentionTiles.Width));
        }
    }

    /// <summary>Four columns of rows 0, 4, 8 and 12.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Four(float* from, long stride)
    {
        var low = Vector256.Create(Vector128.Load(from), Vector128.Load(from + (4 * stride)));
        var high = Vector256.Create(Vector128.Load(from + (8 * stride)), Vector128.Load(from + (12 * stride)));
        return Vector512.Create(low, high);
    }
}
