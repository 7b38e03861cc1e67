using ILGPU;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>
/// A 32 x 32 tile of a matrix product, computed by one group: 16 of the depth at a time go through shared memory, and each of the 8 x 8 threads holds
/// 4 x 4 sums, which are added up in the order of the depth.
/// </summary>
internal struct ProductTile
{
    /// <summary>Rows and columns of a tile.</summary>
    public const int Size = 32;

    /// <summary>Floats of shared memory for one operand; rows are one apart from the banks of the one before.</summary>
    public const int Shared = Depth * Stride;

    private const int Depth = 16;
    private const int Stride = Size + 1;

    public float S00, S01, S02, S03, S10, S11, S12, S13, S20, S21, S22, S23, S30, S31, S32, S33;

    /// <summary>Tiles along a side of a product.</summary>
    public static int Count(int size) => (size + Size - 1) / Size;

    /// <summary>Sums over depth begin .. end - 1. Rows from m and columns from s.N on count as zeros.</summary>
    public static ProductTile Run(
        ProductSizes s, Operand a, int aOffset, Operand b, int bOffset, int row, int column, int m, int begin, int end, ArrayView<float> left, ArrayView<float> right)
    {
        var lane = Group.IdxX;
        var (y, x) = (lane / 8 * 4, lane % 8 * 4);
        var t = default(ProductTile);
        for (var depth = begin; depth < end; depth += Depth)
        {
            Fill(a, s.Left, aOffset, row, m, depth, end, s.Rounds, left, lane);
            Fill(b, s.Right, bOffset, column, s.N, depth, end, s.Rounds, right, lane);
            Group.Barrier();
            for (var k = 0; k < Depth; k++)
            {
                var (l, r) = ((k * Stride) + y, (k * Stride) + x);
                var (a0, a1, a2, a3) = (left[l], left[l + 1], left[l + 2], left[l + 3]);
                var (b0, b1, b2, b3) = (right[r], right[r + 1], right[r + 2], right[r + 3]);
                t.S00 += a0 * b0;
                t.S01 += a0 * b1;
                t.S02 += a0 * b2;
                t.S03 += a0 * b3;
                t.S10 += a1 * b0;
                t.S11 += a1 * b1;
                t.S12 += a1 * b2;
                t.S13 += a1 * b3;
                t.S20 += a2 * b0;
                t.S21 += a2 * b1;
                t.S22 += a2 * b2;
                t.S23 += a2 * b3;
                t.S30 += a3 * b0;
                t.S31 += a3 * b1;
                t.S32 += a3 * b2;
                t.S33 += a3 * b3;
            }

            Group.Barrier();
        }

        return t;
    }

    /// <summary>Writes the tile to c[row.., column..] within m rows and s.N columns, or adds it.</summary>
    public static void Store(ProductTile t, ProductSizes s, ArrayView<float> c, int offset, int ldc, int row, int column, int m)
    {
        var (n, accumulate) = (s.N, s.Accumulate != 0);
        var lane = Group.IdxX;
        var (y, x) = (row + (lane / 8 * 4), column + (lane % 8 * 4));
        Row(c, offset, ldc, y, x, m, n, accumulate, t.S00, t.S01, t.S02, t.S03);
        Row(c, offset, ldc, y + 1, x, m, n, accumulate, t.S10, t.S11, t.S12, t.S13);
        Row(c, offset, ldc, y + 2, x, m, n, accumulate, t.S20, t.S21, t.S22, t.S23);
        Row(c, offset, ldc, y + 3, x, m, n, accumulate, t.S30, t.S31, t.S32, t.S33);
    }

    private static void Row(ArrayView<float> c, int offset, int ldc, int y, int x, int m, int n, bool accumulate, float s0, float s1, float s2, float s3)
    {
        if (y >= m)
        {
            return;
        }

        var at = offset + (y * ldc) + x;
        Element(c, at, x < n, accumulate, s0);
        Element(c, at + 1, x + 1 < n, accumulate, s1);
        Element(c, at + 2, x + 2 < n, accumulate, s2);
        Element(c, at + 3, x + 3 < n, accumulate, s3);
    }

    private static void Element(ArrayView<float> c, int at, bool isInside, bool accumulate, float value)
    {
        if (isInside)
        {
            c[at] = accumulate ? c[at] + value : value;
        }
    }

    private static void Fill(Operand x, int format, int offset, int outer, int size, int depth, int end, int rounds, ArrayView<float> to, int lane)
    {
        // Neighbouring threads read neighbouring floats, whichever way the matrix lies.
        var alongDepth = x.DepthStride == 1;
        for (var e = lane; e < Depth * Size; e += IlgpuDevice.GroupSize)
        {
            var i = alongDepth ? e / Depth : e % Size;
            var k = alongDepth ? e % Depth : e / Size;
            var value = 0f;
            if (outer + i < size && depth + k < end)
            {
                value = Operand.Load(x, format, offset, outer + i, depth + k);
            }

            to[(k * Stride) + i] = rounds != 0 ? DeviceMath.ToBFloat16(value) : value;
        }
    }
}
