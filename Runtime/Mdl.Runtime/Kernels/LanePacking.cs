using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>Copies blocks of operands into panels of lanes that hold several elements along the contraction each; see <see cref="Packing"/>.</summary>
internal static unsafe class LanePacking
{
    private const int MostPerLane = 4;
    private const int MostRows = 32;

    // Lanes that are interleaved at once.
    private const int Vector = 16;

    /// <summary>Bytes of scratch memory that packing a block of this length needs.</summary>
    public static long ScratchBytes(int lanes) => (long)MostRows * Step(lanes) * sizeof(uint);

    /// <summary>As <see cref="Packing.RightPanels"/>.</summary>
    public static void RightPanels<TFormat>(in Matrix b, int k, int n, int width, float* packed, long panelStep, void* scratch)
        where TFormat : struct, ILaneFormat
    {
        var lanes = Lanes<TFormat>(k);
        var temp = (uint*)scratch;
        var step = Step(lanes);
        for (var column = 0; column < n; column += width)
        {
            var columns = Math.Min(width, n - column);
            if (b.ColumnStride == 1)
            {
                ByDepth<TFormat>(b.At(0, column), k, columns, columns, width, (uint*)packed);
            }
            else if (b.RowStride == 1 && b.Rows == null)
            {
                for (var j = 0; j < columns; j++)
                {
                    TFormat.Row(b.At(0, column + j).Start, k, temp + j * step);
                }

                Transposition.Pack((float*)temp, step, lanes, columns, width, packed);
            }
            else
            {
                throw Strided();
            }

            packed += panelStep;
        }
    }

    /// <summary>As <see cref="Packing.LeftPanels"/>.</summary>
    public static void LeftPanels<TFormat>(in Matrix a, int k, in TileHeights tiles, int width, float* packed, long panelStep)
        where TFormat : struct, ILaneFormat
    {
        if (a.ColumnStride != 1)
        {
            throw Strided();
        }

        for (int t = 0, first = 0; t < tiles.Count; t++)
        {
            var height = tiles.Height(t);
            ByDepth<TFormat>(a.At(0, first), k, height, first + Vector <= tiles.Rows ? Math.Max(Vector, height) : height, width, (uint*)packed);
            first += height;
            packed += panelStep;
        }
    }

    /// <summary>As <see cref="Packing.LeftPanelsOfRows"/>.</summary>
    public static void LeftPanelsOfRows<TFormat>(in Matrix a, int k, in TileHeights tiles, int width, float* packed, long panelStep, void* scratch)
        where TFormat : struct, ILaneFormat
    {
        if (a.ColumnStride != 1)
        {
            throw Strided();
        }

        var rows = stackalloc float*[width];
        var lanes = Lanes<TFormat>(k);
        var temp = (uint*)scratch;
        var step = Step(lanes);
        for (int t = 0, first = 0; t < tiles.Count; t++)
        {
            var height = tiles.Height(t);
            for (var i = 0; i < height; i++)
            {
                rows[i] = (float*)(temp + i * step);
                TFormat.Row(a.RowStart(first + i), k, temp + i * step);
            }

            for (var i = height; i < width; i++)
            {
                rows[i] = rows[height - 1];
            }

            Transposition.Rows(rows, width, lanes, packed);
            first += height;
            packed += panelStep;
        }
    }

    // Rows of the copy are apart by an odd number of cache lines, so that they do not fall into the same sets of the cache.
    private static int Step(int lanes) => ((lanes + 15) / 16 | 1) * 16;

    private static int Lanes<TFormat>(int k)
        where TFormat : struct, ILaneFormat => (k + TFormat.PerLane - 1) / TFormat.PerLane;

    // x is [k, columns] with contiguous rows, of which so many elements are there to be read; reading a whole vector is quicker than reading what
    // is needed. What it writes too much is overwritten by the next row of the panel, so the last row has no more than it needs.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ByDepth<TFormat>(in Matrix x, int k, int columns, int readable, int width, uint* packed)
        where TFormat : struct, ILaneFormat
    {
        var rows = stackalloc Weight[MostPerLane];
        for (var i = 0; i < k; i += TFormat.PerLane)
        {
            for (var r = 0; r < TFormat.PerLane; r++)
            {
                rows[r] = i + r < k ? x.RowStart(i + r) : default;
            }

            TFormat.Interleave(rows, i + TFormat.PerLane < k ? readable : columns, packed);
            if (columns < width && readable == columns)
            {
                new Span<uint>(packed + columns, width - columns).Clear();
            }

            packed += width;
        }
    }

    private static ArgumentException Strided() => new("An operand in a short format has neither contiguous rows nor contiguous columns.");
}
