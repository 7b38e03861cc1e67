using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// The single-threaded blocked product that all contractions are cut into. Blocks of the contraction are taken in a fixed order, so an
/// element's bits depend on the shape of the whole product alone, not on how the product is cut into blocks of rows and columns.
/// </summary>
/// <remarks>
/// Methods with loops that do not merely call micro-kernels are compiled with aggressive optimisation: the first training step runs them for
/// seconds, long before tiering would replace them, and ahead-of-time compiled code would not use the widest vectors of the processor.
/// </remarks>
internal static unsafe class GemmBlock
{
    /// <summary>Length of a block of the contraction: with it a panel of the right operand fits into the first-level cache.</summary>
    public const int DepthBlock = 256;

    // Rows that are taken together against each panel, and columns that are packed together: with them a block of the left operand (192 KB) and
    // one of the right operand (1 MB) stay in the second-level cache side by side.
    private const int RowBlock = 192;
    private const int ColumnBlock = 1024;

    // Below these the copy of an operand costs more than it gains (all measured).
    private const int FewRows = 24;
    private const int FewColumnsAgainstColumns = 64;
    private const int FewColumnsAgainstRows = 256;

    // Columns of the left operand this far apart (floats) lie on too many pages and in too few sets of the first-level cache; rows this far apart
    // fall into the same sets of the first-level cache.
    private const int FarColumns = 512;
    private const int AliasingRows = 1024;

    /// <summary>Bytes of scratch memory that <see cref="Run"/> needs.</summary>
    public static long ScratchBytes(MicroKernels kernels, int m, int n, int k)
    {
        var depth = Math.Min(k, DepthBlock);
        var rows = Math.Min(m, RowBlock);
        var left = Math.Max(rows * RowStep(depth), new TileHeights(rows, kernels.TileRows).Count * LeftPanelStep(kernels, depth));
        return sizeof(float) * (PanelFloats(kernels, Math.Min(n, ColumnBlock), depth) + left);
    }

    /// <summary>Floats that the panels of a k x n operand take.</summary>
    public static long PanelFloats(MicroKernels kernels, int n, int k) =>
        (n + kernels.TileColumns - 1) / kernels.TileColumns * kernels.TileColumns * (long)k;

    /// <summary>
    /// c[m,n] (+)= alpha * a[m,k] b[k,n], where a is given as [k,m] if <paramref name="transposeLeft"/>; then the epilogue, with row and col
    /// counted from <paramref name="row"/> and <paramref name="column"/>. <paramref name="allRows"/> is the number of rows of the product that
    /// this one is cut from: products of few rows add in another order.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TEpilogue>(
        MicroKernels kernels, in Matrix a, bool transposeLeft, in Matrix b, float* c, long ldc, int m, int n, int k, float alpha, bool accumulate,
        void* scratch, ref TEpilogue epilogue, int row, int column, int allRows)
        where TEpilogue : struct, ITileEpilogue
    {
        if (m == 0 || n == 0)
        {
            return;
        }

        if (allRows <= Dots.MostRows && !transposeLeft && a.ColumnStride == 1 && b.RowStride == 1 && b.Rows == null && b.ColumnStride != 1)
        {
            Dots.Run(a, b, c, ldc, m, n, k, alpha, accumulate);
            epilogue.Apply(c, ldc, row, column, m, n);
            return;
        }

        var panels = (float*)scratch;
        var left = panels + PanelFloats(kernels, Math.Min(n, ColumnBlock), Math.Min(k, DepthBlock));
        var depthStart = 0;
        do
        {
            var depth = Math.Min(DepthBlock, k - depthStart);
            var tile = new GemmTile
            {
                K = depth,
                Alpha = alpha,
                Accumulate = accumulate || depthStart > 0 ? 1 : 0,
                CRowStep = ldc * sizeof(float),
            };
            for (var j = 0; j < n; j += ColumnBlock)
            {
                var columns = Math.Min(ColumnBlock, n - j);
                var panelStep = PlaceRight(kernels, b.At(depthStart, j), m, columns, depth, panels, &tile);
                for (var i = 0; i < m; i += RowBlock)
                {
                    var tiles = new TileHeights(Math.Min(RowBlock, m - i), kernels.TileRows);
                    tile.C = c + i * ldc + j;
                    var leftStep = PlaceLeft(
                        kernels, transposeLeft ? a.At(depthStart, i) : a.At(i, depthStart), transposeLeft, tiles, columns, depth, left, &tile);
                    Tiles(kernels, &tile, panelStep, leftStep, tiles, columns, depthStart + depth == k, ref epilogue, row + i, column + j);
                }
            }

            depthStart += depth;
        }
        while (depthStart < k);
    }

    /// <summary>As <see cref="Run"/>, with a right operand that is packed into panels already; rows or columns of a are contiguous.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunPacked<TEpilogue>(
        MicroKernels kernels, in Matrix a, float* packed, float* c, long ldc, int m, int n, int k, float alpha, bool accumulate,
        ref TEpilogue epilogue, int row, int column)
        where TEpilogue : struct, ITileEpilogue
    {
        if (m == 0 || n == 0)
        {
            return;
        }

        var tiles = new TileHeights(m, kernels.TileRows);
        var depthStart = 0;
        do
        {
            var depth = Math.Min(DepthBlock, k - depthStart);
            var tile = new GemmTile
            {
                K = depth,
                Alpha = alpha,
                Accumulate = accumulate || depthStart > 0 ? 1 : 0,
                C = c,
                CRowStep = ldc * sizeof(float),
                B = packed + (long)depthStart * kernels.TileColumns,
                BRowStep = kernels.TileColumns * sizeof(float),
            };
            PlaceDirectly(a.At(0, depthStart), false, &tile);
            Tiles(kernels, &tile, k * tile.BRowStep, 0, tiles, n, depthStart + depth == k, ref epilogue, row, column);
            depthStart += depth;
        }
        while (depthStart < k);
    }

    // Rows of the copy are apart by an odd number of cache lines: at a power of two they would all fall into the same sets of the cache.
    private static long RowStep(int depth) => (((depth + 15) / 16) | 1) * 16L;

    // The panels of tiles are written side by side, so they must not fall into the same sets either.
    private static long LeftPanelStep(MicroKernels kernels, int depth) => RowStep(depth * kernels.TileRows);

    // Returns the bytes from one panel of columns to the next.
    private static long PlaceRight(MicroKernels kernels, in Matrix b, int m, int columns, int depth, float* panels, GemmTile* tile)
    {
        if (m <= FewRows && b.ColumnStride == 1 && b.Rows == null && kernels.MasksColumns)
        {
            tile->B = b.Data;
            tile->BRowStep = b.RowStride * sizeof(float);
            return kernels.TileColumns * sizeof(float);
        }

        var panelStep = (long)depth * kernels.TileColumns;
        Packing.RightPanels(b, depth, columns, kernels.TileColumns, panels, panelStep);
        tile->B = panels;
        tile->BRowStep = kernels.TileColumns * sizeof(float);
        return panelStep * sizeof(float);
    }

    // Returns the bytes from the panel of one tile to the next, or 0 if tiles follow one another by the step of rows.
    private static long PlaceLeft(
        MicroKernels kernels, in Matrix a, bool transpose, in TileHeights tiles, int columns, int depth, float* left, GemmTile* tile)
    {
        // A list of rows runs along the contraction if the operand is given transposed.
        var byColumns = transpose ? a.ColumnStride == 1 || a.Rows != null : a.RowStride == 1 && a.ColumnStride != 1 && a.Rows == null;
        if (byColumns)
        {
            if (a.Rows == null && (a.ColumnStride * a.RowStride < FarColumns || columns < FewColumnsAgainstColumns))
            {
                PlaceDirectly(a, transpose, tile);
                return 0;
            }

            var panelStep = LeftPanelStep(kernels, depth);
            Packing.LeftPanels(
                transpose ? a : new Matrix(a.Data, a.ColumnStride, a.RowStride), depth, tiles, kernels.TileRows, left, panelStep);
            tile->A = left;
            tile->ARowStep = sizeof(float);
            tile->AColumnStep = kernels.TileRows * sizeof(float);
            return panelStep * sizeof(float);
        }

        if (a.Rows == null && (transpose ? a.RowStride : a.ColumnStride) == 1 && (a.RowStride * a.ColumnStride % AliasingRows != 0 || columns <= FewColumnsAgainstRows))
        {
            PlaceDirectly(a, transpose, tile);
            return 0;
        }

        var step = RowStep(depth);
        Packing.Rows(transpose ? new Matrix(a.Data, a.ColumnStride, a.RowStride) : a, tiles.Rows, depth, left, step);
        tile->A = left;
        tile->ARowStep = step * sizeof(float);
        tile->AColumnStep = sizeof(float);
        return 0;
    }

    private static void PlaceDirectly(in Matrix a, bool transpose, GemmTile* tile)
    {
        tile->A = a.Data;
        tile->ARowStep = (transpose ? a.ColumnStride : a.RowStride) * sizeof(float);
        tile->AColumnStep = (transpose ? a.RowStride : a.ColumnStride) * sizeof(float);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tiles<TEpilogue>(
        MicroKernels kernels, GemmTile* block, long panelStep, long leftStep, in TileHeights tiles, int n, bool last, ref TEpilogue epilogue, int row, int column)
        where TEpilogue : struct, ITileEpilogue
    {
        var tile = *block;
        for (var j = 0; j < n; j += kernels.TileColumns)
        {
            var columns = Math.Min(kernels.TileColumns, n - j);
            tile.A = block->A;
            tile.C = block->C + j;
            for (int t = 0, i = 0; t < tiles.Count; t++)
            {
                var height = tiles.Height(t);
                kernels.Run(&tile, height, columns);
                if (typeof(TEpilogue) != typeof(NoEpilogue) && last)
                {
                    epilogue.Apply(tile.C, tile.CRowStep / sizeof(float), row + i, column + j, height, columns);
                }

                tile.A = (float*)((byte*)tile.A + (leftStep != 0 ? leftStep : height * tile.ARowStep));
                tile.C = (float*)((byte*)tile.C + height * tile.CRowStep);
                i += height;
            }

            tile.B = (float*)((byte*)tile.B + panelStep);
        }
    }
}
