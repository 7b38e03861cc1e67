using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>Copies blocks of operands into the order in which micro-kernels read them.</summary>
internal static unsafe class Packing
{
    /// <summary>How many rows before a row is copied it is asked for.</summary>
    public const int RowsAhead = 16;

    private const int LineFloats = 16;

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
        // Floats of the next tile may come along with a tile; behind the last tile there may be nothing to read.
        var whole = a.ColumnStride == 1 ? tiles.Count - 1 : 0;
        for (var i = 0; i < k; i++)
        {
            var source = a.Row(i);
            if (a.ColumnStride == 1 && i + RowsAhead < k)
            {
                Fetch(a.Row(i + RowsAhead), tiles.Rows);
            }

            var target = packed + (long)i * width;
            var t = 0;
            for (; t < whole; t++)
            {
                CopyGroup(source, target, width);
                source += tiles.Height(t);
                target += panelStep;
            }

            for (; t < tiles.Count; t++)
            {
                if (a.ColumnStride == 1)
                {
                    CopyExactly(source, target, tiles.Height(t));
                }
                else
                {
                    for (var j = 0; j < tiles.Height(t); j++)
                    {
                        target[j] = source[j * a.ColumnStride];
                    }
                }

                source += tiles.Height(t) * a.ColumnStride;
                target += panelStep;
            }
        }
    }

    /// <summary>As <see cref="LeftPanels"/>, from a[0..m, 0..k], of which the rows may be contiguous or gathered.</summary>
    public static void LeftPanelsOfRows(in Matrix a, int k, in TileHeights tiles, int width, float* packed, long panelStep)
    {
        var rows = stackalloc float*[width];
        for (int t = 0, first = 0; t < tiles.Count; t++)
        {
            // A tile that is less high repeats its last row, which nobody reads.
            var height = tiles.Height(t);
            for (var i = 0; i < width; i++)
            {
                rows[i] = a.Row(first + Math.Min(i, height - 1));
            }

            if (a.ColumnStride == 1)
            {
                Transposition.Rows(rows, width, k, packed);
            }
            else
            {
                GatherRows(rows, a.ColumnStride, width, k, packed);
            }

            first += height;
            packed += panelStep;
        }
    }

    /// <summary>Asks for a row that is needed soon: the hardware does not see beyond parts of rows that lie apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(float* row, long floats)
    {
        for (var i = 0L; Sse.IsSupported && i < floats; i += LineFloats)
        {
            Sse.Prefetch0(row + i);
        }
    }

    // Widths are those of the families of kernels: 12 or 6.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyGroup(float* source, float* target, int width)
    {
        if (width == 12)
        {
            Vector256.Load(source).Store(target);
            Vector128.Load(source + 8).Store(target + 8);
        }
        else
        {
            Vector128.Load(source).Store(target);
            Vector64.Load(source + 4).Store(target + 4);
        }
    }

    // At most 12 floats.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyExactly(float* source, float* target, int count)
    {
        if (count >= 4)
        {
            if (count > 8)
            {
                Vector128.Load(source + 4).Store(target + 4);
            }

            Vector128.Load(source).Store(target);
            Vector128.Load(source + count - 4).Store(target + count - 4);
            return;
        }

        for (var j = 0; j < count; j++)
        {
            target[j] = source[j];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyPanel(in Matrix b, int k, int column, int columns, int width, float* packed)
    {
        for (var i = 0; i < k; i++)
        {
            var source = b.Row(i) + column;
            if (i + RowsAhead < k)
            {
                Fetch(b.Row(i + RowsAhead) + column, columns);
            }

            if (columns == 32)
            {
                Vector512.Load(source).Store(packed);
                Vector512.Load(source + 16).Store(packed + 16);
            }
            else if (columns == width)
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GatherRows(float** rows, long columnStride, int width, int k, float* packed)
    {
        for (var i = 0; i < k; i++)
        {
            for (var j = 0; j < width; j++)
            {
                packed[(long)i * width + j] = rows[j][i * columnStride];
            }
        }
    }
}
