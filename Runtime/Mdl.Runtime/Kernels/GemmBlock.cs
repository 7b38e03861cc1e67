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
internal static unsafe partial class GemmBlock
{
    /// <summary>
    /// Lanes in a block of the contraction: the longer it is, the more rarely tiles of the product are read and written, and the more of a second-level
    /// cache (1 MB a core, or more) the blocks of both operands take.
    /// </summary>
    public const int DepthBlock = 256;

    // A block of the left operand (192 KB) and one of the right operand (512 KB) stay in the second-level cache side by side. Blocks of the left
    // operand that more than one block of columns needs are kept for so many rows (4 MB), which the third-level cache holds.
    private const int LeftBlockFloats = 192 * DepthBlock;
    private const int RightBlockFloats = 512 * DepthBlock;
    private const int KeptRows = 960;

    // Panels of the right operand that take more than this in all (512 KB) come from the third-level cache for each block of rows.
    private const long KeptPanelBytes = RightBlockFloats * sizeof(float);

    // Up to these the copy of an operand costs more than it gains (all measured).
    private const int FewRows = 24;
    private const int FewColumnsAgainstColumns = 64;
    private const int FewColumnsAgainstNearColumns = 128;
    private const int FewColumnsAgainstCrowdedRows = 128;

    // Columns of the left operand this far apart (floats) lie on too many pages and in too few sets of the first-level cache.
    private const int FarColumns = 512;

    // Rows of the left operand a multiple of this apart (floats) share one set of the first-level cache, which keeps fewer lines than a tile has rows.
    private const int CrowdedRows = 1024;

    // How the micro-kernels read the left operand.
    private enum LeftPlace
    {
        // Where it is.
        Direct,

        // From panels into which rows are transposed.
        PanelsOfRows,

        // From panels into which parts of columns are copied.
        PanelsOfColumns,
    }

    /// <summary>Bytes of scratch memory that <see cref="Run"/> needs.</summary>
    public static long ScratchBytes(MicroKernels kernels, int m, int n, int k)
    {
        var depth = Math.Min(Lanes(kernels, k), DepthBlock);
        var columns = ColumnBlock(kernels, depth);
        return Math.Max(m <= Dots.MostRows ? PairDots.ScratchBytes(k) : 0, PanelPacking.ScratchBytes(kernels, depth)
            + sizeof(float) * (PanelFloats(kernels, Math.Min(n, columns), depth) + LeftBlocks(kernels, m, n, depth) * LeftBlockStep(kernels, m, depth)));
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

        if (allRows <= BlockDots.MostRows && !transposeLeft && a.Format == ElementFormat.Single && a.ColumnStride == 1 && BlockDots.Fits(b, k))
        {
            BlockDots.Run(a, b, c, ldc, m, n, k, alpha, accumulate, allRows);
            epilogue.Apply(c, ldc, row, column, m, n);
            return;
        }

        if (allRows <= Dots.MostRows && !transposeLeft && a.Format == ElementFormat.Single && a.ColumnStride == 1
            && b.RowStride == 1 && b.Rows == null && b.ColumnStride != 1
            && (b.Format == ElementFormat.BFloat16 || (b.Format == ElementFormat.Single && kernels.PerLane == 1)))
        {
            if (b.Format == ElementFormat.BFloat16)
            {
                PairDots.Run(a, b, c, ldc, m, n, k, alpha, accumulate, scratch);
            }
            else
            {
                Dots.Run(a, b, c, ldc, m, n, k, alpha, accumulate);
            }

            epilogue.Apply(c, ldc, row, column, m, n);
            return;
        }

        var place = Place(kernels, a, transposeLeft, n);
        var panels = (float*)((byte*)scratch + PanelPacking.ScratchBytes(kernels, Math.Min(Lanes(kernels, k), DepthBlock)));
        for (var rowStart = 0; rowStart < m; rowStart += KeptRows)
        {
            var rows = Math.Min(KeptRows, m - rowStart);
            var depthStart = 0;
            do
            {
                var length = Math.Min(DepthBlock * kernels.PerLane, k - depthStart);
                var depth = Lanes(kernels, length);
                var columnBlock = ColumnBlock(kernels, depth);
                var rowBlock = RowBlock(kernels, depth);
                var left = panels + PanelFloats(kernels, Math.Min(n, columnBlock), depth);
                var leftBlockStep = LeftBlocks(kernels, rows, n, depth) > 1 ? LeftBlockStep(kernels, rows, depth) : 0;
                var tile = new GemmTile
                {
                    K = depth,
                    Alpha = alpha,
                    Accumulate = accumulate || depthStart > 0 ? 1 : 0,
                    CRowStep = ldc * sizeof(float),
                };
                for (var j = 0; j < n; j += columnBlock)
                {
                    var columns = Math.Min(columnBlock, n - j);
                    var panelStep = PlaceRight(kernels, b.At(depthStart, j), m, columns, length, panels, scratch, &tile);
                    for (int i = 0, block = 0; i < rows; i += rowBlock, block++)
                    {
                        var tiles = new TileHeights(Math.Min(rowBlock, rows - i), kernels.TileRows);
                        var row0 = rowStart + i;
                        tile.C = c + row0 * ldc + j;
                        var leftStep = PlaceLeft(
                            kernels, place, transposeLeft ? a.At(depthStart, row0) : a.At(row0, depthStart), transposeLeft, tiles, length,
                            left + block * leftBlockStep, scratch, packed: j > 0 && leftBlockStep > 0, &tile);
                        var upcoming = default(Upcoming);
                        var (nextColumn, nextDepth) = (j + columns < n ? j + columns : 0, j + columns < n ? depthStart : depthStart + length);
                        var nextLength = Math.Min(DepthBlock * kernels.PerLane, k - nextDepth);
                        if (i + rowBlock < rows)
                        {
                            if (j == 0 || leftBlockStep == 0)
                            {
                                AddLeft(ref upcoming, a, transposeLeft, row0 + rowBlock, depthStart, Math.Min(rowBlock, rows - i - rowBlock), length);
                            }
                        }
                        else if (nextDepth < k)
                        {
                            upcoming.Add(b.At(nextDepth, nextColumn), nextLength, Math.Min(columnBlock, n - nextColumn));
                            if (nextColumn == 0 || leftBlockStep == 0)
                            {
                                AddLeft(ref upcoming, a, transposeLeft, rowStart, nextDepth, Math.Min(rowBlock, rows), nextLength);
                            }
                        }

                        Tiles(
                            kernels, &tile, panelStep, leftStep, tiles, columns, depthStart + length == k, ref epilogue, row + row0, column + j, ref upcoming,
                            tiles.Count * ((columns + kernels.TileColumns - 1) / kernels.TileColumns));
                    }
                }

                depthStart += length;
            }
            while (depthStart < k);
        }
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

        var nothing = default(Upcoming);
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
            Tiles(kernels, &tile, k * tile.BRowStep, 0, tiles, n, depthStart + depth == k, ref epilogue, row, column, ref nothing, 1);
            depthStart += depth;
        }
        while (depthStart < k);
    }

    private static int Lanes(MicroKernels kernels, int k) => (k + kernels.PerLane - 1) / kernels.PerLane;

    private static int ColumnBlock(MicroKernels kernels, int depth) =>
        Math.Max(1, RightBlockFloats / Math.Max(depth, 64) / kernels.TileColumns) * kernels.TileColumns;

    private static int RowBlock(MicroKernels kernels, int depth) =>
        Math.Min(KeptRows, Math.Max(1, LeftBlockFloats / Math.Max(depth, 64) / kernels.TileRows) * kernels.TileRows);

    // Blocks of the left operand that scratch memory has room for: all, if they are needed more than once.
    private static int LeftBlocks(MicroKernels kernels, int m, int n, int depth)
    {
        var rowBlock = RowBlock(kernels, depth);
        return n > ColumnBlock(kernels, depth) ? (Math.Min(m, KeptRows) + rowBlock - 1) / rowBlock : 1;
    }

    private static long LeftBlockStep(MicroKernels kernels, int m, int depth) =>
        new TileHeights(Math.Min(m, RowBlock(kernels, depth)), kernels.TileRows).Count * LeftPanelStep(kernels, depth);

    // The panels of tiles are written side by side, so they must not fall into the same sets of the cache: an odd number of cache lines.
    private static long LeftPanelStep(MicroKernels kernels, int depth) => (((depth * kernels.TileRows + 15) / 16) | 1) * 16L;

    private static void AddLeft(ref Upcoming upcoming, in Matrix a, bool transpose, int row, int depth, int rows, int length)
    {
        if (transpose)
        {
            upcoming.Add(a.At(depth, row), length, rows);
        }
        else
        {
            upcoming.Add(a.At(row, depth), rows, length);
        }
    }

    // Returns the bytes from one panel of columns to the next.
    private static long PlaceRight(MicroKernels kernels, in Matrix b, int m, int columns, int length, float* panels, void* scratch, GemmTile* tile)
    {
        if (m <= FewRows && kernels.PerLane == 1 && b.Format == ElementFormat.Single && b.ColumnStride == 1 && b.Rows == null && kernels.MasksColumns)
        {
            tile->B = b.Data;
            tile->BRowStep = b.RowStride * sizeof(float);
            return kernels.TileColumns * sizeof(float);
        }

        var panelStep = (long)Lanes(kernels, length) * kernels.TileColumns;
        PanelPacking.Right(kernels, b, length, columns, panels, panelStep, scratch);
        tile->B = panels;
        tile->BRowStep = kernels.TileColumns * sizeof(float);
        return panelStep * sizeof(float);
    }

    private static LeftPlace Place(MicroKernels kernels, in Matrix a, bool transpose, int n)
    {
        var readable = kernels.PerLane == 1 && a.Format == ElementFormat.Single && a.Rows == null;

        // A list of rows runs along the contraction if the operand is given transposed.
        var byColumns = transpose ? a.ColumnStride == 1 || a.Rows != null : a.RowStride == 1 && a.ColumnStride != 1 && a.Rows == null;
        if (byColumns)
        {
            var near = a.ColumnStride * a.RowStride < FarColumns;
            return readable && n <= (near ? FewColumnsAgainstNearColumns : FewColumnsAgainstColumns) ? LeftPlace.Direct : LeftPlace.PanelsOfColumns;
        }

        var plain = readable && (transpose ? a.RowStride : a.ColumnStride) == 1;
        var crowded = (transpose ? a.ColumnStride : a.RowStride) % CrowdedRows == 0;
        return plain && n <= (crowded ? FewColumnsAgainstCrowdedRows : kernels.FewColumnsAgainstRows) ? LeftPlace.Direct : LeftPlace.PanelsOfRows;
    }

    // Returns the bytes from the panel of one tile to the next, or 0 if tiles follow one another by the step of rows.
    private static long PlaceLeft(
        MicroKernels kernels, LeftPlace place, in Matrix a, bool transpose, in TileHeights tiles, int length, float* left, void* scratch,
        bool packed, GemmTile* tile)
    {
        if (place == LeftPlace.Direct)
        {
            PlaceDirectly(a, transpose, tile);
            return 0;
        }

        var panelStep = LeftPanelStep(kernels, Lanes(kernels, length));
        if (!packed && place == LeftPlace.PanelsOfColumns)
        {
            PanelPacking.LeftOfColumns(kernels, transpose ? a : a.Turned, length, tiles, left, panelStep);
        }
        else if (!packed)
        {
            PanelPacking.LeftOfRows(kernels, transpose ? a.Turned : a, length, tiles, left, panelStep, scratch);
        }

        tile->A = left;
        tile->ARowStep = sizeof(float);
        tile->AColumnStep = kernels.TileRows * sizeof(float);
        return panelStep * sizeof(float);
    }

    private static void PlaceDirectly(in Matrix a, bool transpose, GemmTile* tile)
    {
        tile->A = a.Data;
        tile->ARowStep = (transpose ? a.ColumnStride : a.RowStride) * sizeof(float);
        tile->AColumnStep = (transpose ? a.RowStride : a.ColumnStride) * sizeof(float);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tiles<TEpilogue>(
        MicroKernels kernels, GemmTile* block, long panelStep, long leftStep, in TileHeights tiles, int n, bool last, ref TEpilogue epilogue, int row, int column,
        ref Upcoming upcoming, int tilesLeft)
        where TEpilogue : struct, ITileEpilogue
    {
        var tile = *block;
        var panelTiles = panelStep * ((n + kernels.TileColumns - 1) / kernels.TileColumns) > KeptPanelBytes ? tiles.Count - 1 : 0;
        for (var j = 0; j < n; j += kernels.TileColumns)
        {
            var columns = Math.Min(kernels.TileColumns, n - j);
            tile.A = block->A;
            tile.C = block->C + j;
            for (int t = 0, i = 0; t < tiles.Count; t++)
            {
                var height = tiles.Height(t);
                if (t < panelTiles && j + columns < n)
                {
                    Upcoming.Panel(kernels, &tile, (byte*)tile.B + panelStep, panelStep, t, panelTiles);
                }
                else
                {
                    // The other tiles of a panel are busy with the next one.
                    upcoming.Share(kernels, &tile, panelTiles > 0 ? tilesLeft / tiles.Count + 1 : tilesLeft);
                }

                tilesLeft--;
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
