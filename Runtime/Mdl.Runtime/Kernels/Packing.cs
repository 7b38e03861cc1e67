using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>Copies blocks of operands into the order in which micro-kernels read them.</summary>
internal static unsafe class Packing
{
    /// <summary>
    /// Packs the block b[0..k, 0..n] into panels of <paramref name="width"/> columns: panel p holds rows of <paramref name="width"/> floats,
    /// k of them; columns beyond n are zero.
    /// </summary>
    public static void Panels(in Matrix b, int k, int n, int width, float* packed)
    {
        for (var column = 0; column < n; column += width)
        {
            var columns = Math.Min(width, n - column);
            if (b.ColumnStride == 1)
            {
                CopyPanel(b, k, column, columns, width, packed);
            }
            else
            {
                GatherPanel(b, k, column, columns, width, packed);
            }

            packed += (long)k * width;
        }
    }

    /// <summary>Copies rows of contiguous elements; row i of the copy begins at i * <paramref name="ld"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows(in Matrix a, int rows, int columns, float* packed, long ld)
    {
        for (var i = 0; i < rows; i++)
        {
            if (a.ColumnStride == 1)
            {
                new ReadOnlySpan<float>(a.Row(i), columns).CopyTo(new Span<float>(packed + i * ld, columns));
            }
            else
            {
                var row = a.Row(i);
                for (var j = 0; j < columns; j++)
                {
                    packed[i * ld + j] = row[j * a.ColumnStride];
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyPanel(in Matrix b, int k, int column, int columns, int width, float* packed)
    {
        for (var i = 0; i < k; i++)
        {
            var target = new Span<float>(packed + (long)i * width, width);
            new ReadOnlySpan<float>(b.Row(i) + column, columns).CopyTo(target);
            target[columns..].Clear();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GatherPanel(in Matrix b, int k, int column, int columns, int width, float* packed)
    {
        for (var i = 0; i < k; i++)
        {
            var row = b.Row(i) + column * b.ColumnStride;
            var target = packed + (long)i * width;
            for (var j = 0; j < width; j++)
            {
                target[j] = j < columns ? row[j * b.ColumnStride] : 0;
            }
        }
    }
}
