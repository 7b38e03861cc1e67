using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// The single-threaded blocked product that all contractions are cut into. Blocks of the contraction are taken in a fixed order, so an
/// element's bits depend on k alone, not on how the product is cut into blocks of rows and columns.
/// </summary>
internal static unsafe class GemmBlock
{
    /// <summary>Length of a block of the contraction: with it a panel of the right operand fits into the first-level cache.</summary>
    public const int DepthBlock = 256;

    /// <summary>Rows that are taken together against each panel: with them the left operand stays in the second-level cache.</summary>
    public const int RowBlock = 192;

    /// <summary>Bytes of scratch memory that <see cref="Run"/> needs.</summary>
    public static long ScratchBytes(MicroKernels kernels, int m, int n, int k)
    {
        var depth = Math.Min(k, DepthBlock);
        var rows = Math.Min(m, RowBlock);
        return sizeof(float) * (PanelFloats(kernels, n, depth) + Math.Max(rows * LeftStride(depth), depth * LeftStride(rows)));
    }

    /// <summary>Floats that the panels of a k x n operand take.</summary>
    public static long PanelFloats(MicroKernels kernels, int n, int k) =>
        (n + kernels.TileColumns - 1) / kernels.TileColumns * kernels.TileColumns * (long)k;

    /// <summary>
    /// c[m,n] (+)= alpha * a[m,k] b[k,n], where a is given as [k,m] if <paramref name="transposeLeft"/>; then the epilogue, with row and col
    /// counted from <paramref name="row"/> and <paramref name="column"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TEpilogue>(
        MicroKernels kernels, in Matrix a, bool transposeLeft, in Matrix b, float* c, long ldc, int m, int n, int k, float alpha, bool accumulate,
        void* scratch, ref TEpilogue epilogue, int row, int column)
        where TEpilogue : struct, ITileEpilogue
    {
        if (m == 0 || n == 0)
        {
            return;
        }

        var panels = (float*)scratch;
        var left = panels + PanelFloats(kernels, n, Math.Min(k, DepthBlock));
        var depthStart = 0;
        do
        {
            var depth = Math.Min(DepthBlock, k - depthStart);
            Packing.Panels(b.At(depthStart, 0), depth, n, kernels.TileColumns, panels);
            var tile = new GemmTile
            {
                K = depth,
                Alpha = alpha,
                Accumulate = accumulate || depthStart > 0 ? 1 : 0,
                CRowStep = ldc * sizeof(float),
                B = panels,
                BRowStep = kernels.TileColumns * sizeof(float),
            };
            for (var i = 0; i < m; i += RowBlock)
            {
                var rows = Math.Min(RowBlock, m - i);
                tile.C = c + i * ldc;
                PlaceLeft(transposeLeft ? a.At(depthStart, i) : a.At(i, depthStart), transposeLeft, rows, depth, left, &tile);
                Tiles(kernels, &tile, depth * tile.BRowStep, rows, n, depthStart + depth == k, ref epilogue, row + i, column);
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

        var depthStart = 0;
        do
        {
            var depth = Math.Min(DepthBlock, k - depthStart);
            var block = a.At(0, depthStart);
            var tile = new GemmTile
            {
                A = block.Data,
                ARowStep = block.RowStride * sizeof(float),
                AColumnStep = block.ColumnStride * sizeof(float),
                K = depth,
                Alpha = alpha,
                Accumulate = accumulate || depthStart > 0 ? 1 : 0,
                C = c,
                CRowStep = ldc * sizeof(float),
                B = packed + (long)depthStart * kernels.TileColumns,
                BRowStep = kernels.TileColumns * sizeof(float),
            };
            Tiles(kernels, &tile, k * tile.BRowStep, m, n, depthStart + depth == k, ref epilogue, row, column);
            depthStart += depth;
        }
        while (depthStart < k);
    }

    // Rows of the copy are apart by an odd number of cache lines: at a power of two they would all fall into the same sets of the cache.
    private static long LeftStride(int depth) => (((depth + 15) / 16) | 1) * 16L;

    private static void PlaceLeft(in Matrix a, bool transpose, int rows, int depth, float* left, GemmTile* tile)
    {
        if (a.Rows == null && (a.RowStride == 1 || a.ColumnStride == 1))
        {
            tile->A = a.Data;
            tile->ARowStep = (transpose ? a.ColumnStride : a.RowStride) * sizeof(float);
            tile->AColumnStep = (transpose ? a.RowStride : a.ColumnStride) * sizeof(float);
            return;
        }

        // The copy keeps the order of the given matrix, so that both sides are contiguous.
        var stride = LeftStride(transpose ? rows : depth);
        Packing.Rows(a, transpose ? depth : rows, transpose ? rows : depth, left, stride);
        tile->A = left;
        tile->ARowStep = (transpose ? 1 : stride) * sizeof(float);
        tile->AColumnStep = (transpose ? stride : 1) * sizeof(float);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tiles<TEpilogue>(
        MicroKernels kernels, GemmTile* block, long panelStep, int rows, int n, bool last, ref TEpilogue epilogue, int row, int column)
        where TEpilogue : struct, ITileEpilogue
    {
        // Tiles of nearly equal height: a last tile of one or two rows would keep most of the multiply-add units idle.
        var count = (rows + kernels.TileRows - 1) / kernels.TileRows;
        var height = rows / count;
        var taller = rows - height * count;
        var tile = *block;
        for (var j = 0; j < n; j += kernels.TileColumns)
        {
            var columns = Math.Min(kernels.TileColumns, n - j);
            tile.A = block->A;
            tile.C = block->C + j;
            for (int t = 0, i = 0; t < count; t++)
            {
                var tileRows = height + (t < taller ? 1 : 0);
                kernels.Run(&tile, tileRows, columns);
                if (typeof(TEpilogue) != typeof(NoEpilogue) && last)
                {
                    epilogue.Apply(tile.C, tile.CRowStep / sizeof(float), row + i, column + j, tileRows, columns);
                }

                tile.A = (float*)((byte*)tile.A + tileRows * tile.ARowStep);
                tile.C = (float*)((byte*)tile.C + tileRows * tile.CRowStep);
                i += tileRows;
            }

            tile.B = (float*)((byte*)tile.B + panelStep);
        }
    }
}
