using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Kernels;

/// <summary>Copies blocks of operands into the order in which micro-kernels read them.</summary>
internal static unsafe class Packing
{
    /// <summary>
    /// Packs the block b[0..k, 0..n] into panels of <paramref name="width"/> columns: panel p holds k rows of <paramref name="width"/> floats
    /// and begins <paramref name="panelStep"/> floats after the one before; columns beyond n are zero.
    /// </summary>
    public static void RightPanels(in Matrix b, int k, int n, int width, float* packed, long panelStep)
    {
        for (var column = 0; column < n; column += width)
        {
            var columns = Math.Min(width, n - column);
            if (b.ColumnStride == 1)
            {
                CopyPanel(b, k, column, columns, width, packed);
            }
            else if (b.RowStride == 1 && b.Rows == null)
            {
                Transposition.Pack(b.Data + column * b.ColumnStride, b.ColumnStride, k, columns, width, packed);
            }
            else
            {
                GatherPanel(b, k, column, columns, width, packed);
            }

            packed += panelStep;
        }
    }

    /// <summary>
    /// Packs a[0..k, 0..m], the left operand in the order of its columns, into one panel for each tile: k rows of <paramref name="width"/>
    /// floats, of which the first ones are the tile's.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LeftPanels(in Matrix a, int k, in TileHeights tiles, int width, float* packed, long panelStep)
    {
        for (var i = 0; i < k; i++)
        {
            var source = a.Row(i);
            var target = packed + (long)i * width;
            var column = 0;
            for (var t = 0; t < tiles.Count; t++)
            {
                // Floats of the next tile may come along; behind the last tile there may be nothing to read.
                if (column + width <= tiles.Rows && a.ColumnStride == 1)
                {
                    CopyGroup(source + column, target, width);
                }
                else
                {
                    for (var j = 0; j < tiles.Height(t); j++)
                    {
                        target[j] = source[(column + j) * a.ColumnStride];
                    }
                }

                column += tiles.Height(t);
                target += panelStep;
            }
        }
    }

    /// <summary>Copies a[0..rows, 0..columns]; row i of the copy begins at i * <paramref name="ld"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows(in Matrix a, int rows, int columns, float* packed, long ld)
    {
        for (var i = 0; i < rows; i++)
        {
            var row = a.Row(i);
            if (a.ColumnStride == 1)
            {
                new ReadOnlySpan<float>(row, columns).CopyTo(new Span<float>(packed + i * ld, columns));
            }
            else
            {
                for (var j = 0; j < columns; j++)
                {
                    packed[i * ld + j] = row[j * a.ColumnStride];
                }
            }
        }
    }

    // Widths are those of the families of kernels: 12 or 6.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyGroup(float* source, float* target, int width)
    {
        Vector128.Load(source).Store(target);
        if (width == 12)
        {
            Vector128.Load(source + 4).Store(target + 4);
            Vector128.Load(source + 8).Store(target + 8);
        }
        else
        {
            Vector64.Load(source + 4).Store(target + 4);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyPanel(in Matrix b, int k, int column, int columns, int width, float* packed)
    {
        for (var i = 0; i < k; i++)
        {
            var source = b.Row(i) + column;
            if (columns == width)
            {
                for (var j = 0; j < width; j += 8)
                {
                    Vector256.Load(source + j).Store(packed + j);
                }
            }
            else
            {
                for (var j = 0; j < width; j++)
                {
                    packed[j] = j < columns ? source[j] : 0;
                }
            }

            packed += width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GatherPanel(in Matrix b, int k, int column, int columns, int width, float* packed)
    {
        for (var i = 0; i < k; i++)
        {
            var source = b.Row(i) + column * b.ColumnStride;
            for (var j = 0; j < width; j++)
            {
                packed[j] = j < columns ? source[j * b.ColumnStride] : 0;
            }

            packed += width;
        }
    }
}
