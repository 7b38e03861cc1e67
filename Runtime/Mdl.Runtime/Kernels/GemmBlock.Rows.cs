using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>Products of blocks of rows with matrices that are packed beforehand, each block of the contraction on its own.</summary>
internal static unsafe partial class GemmBlock
{
    // Rows whose panels (384 KB) stay in the second-level cache while all panels of the right operand pass by.
    public const int RowsAtOnce = 96;

    /// <summary>Floats that a whole packed k x n operand takes.</summary>
    public static long PackedFloats(MicroKernels kernels, int n, int k) => PanelFloats(kernels, n, Lanes(kernels, k));

    /// <summary>Blocks of a contraction; one also for an empty one.</summary>
    public static int DepthBlocks(MicroKernels kernels, int k) => Math.Max(1, (Lanes(kernels, k) + DepthBlock - 1) / DepthBlock);

    /// <summary>Packs columns of one block of the contraction; the first column is that of a panel.</summary>
    public static void PackPanels(MicroKernels kernels, in Matrix b, int n, int k, int block, int column, int columns, float* packed, void* scratch)
    {
        var start = block * DepthBlock * kernels.PerLane;
        var length = Math.Min(DepthBlock * kernels.PerLane, k - start);
        var step = (long)Lanes(kernels, length) * kernels.TileColumns;
        packed += PanelFloats(kernels, n, block * DepthBlock) + column / kernels.TileColumns * step;
        PanelPacking.Right(kernels, b.At(start, column), length, columns, packed, step, scratch);
    }

    /// <summary>Bytes of scratch memory that <see cref="RunRows"/>, <see cref="RunPanels"/> and, with no rows, <see cref="PackPanels"/> need.</summary>
    public static long RowsScratchBytes(MicroKernels kernels, int m, int k)
    {
        var depth = Math.Min(Lanes(kernels, k), DepthBlock);
        return PanelPacking.ScratchBytes(kernels, depth)
            + sizeof(float) * new TileHeights(Math.Min(m, RowsAtOnce), kernels.TileRows).Count * LeftPanelStep(kernels, depth);
    }

    /// <summary>The products of a[m,k] with one or two packed matrices. The bits are those of <see cref="Run"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunRows(MicroKernels kernels, in Matrix a, in PackedProduct first, in PackedProduct second, int m, int k, void* scratch)
    {
        var none = default(NoEpilogue);
        RunPanels(kernels, a, first, second, m, k, true, scratch, ref none, 0, 0);
    }

    /// <summary>As <see cref="RunRows"/>; an epilogue on the tiles of the products if this is the <paramref name="last"/> part of the contraction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunPanels<TEpilogue>(
        MicroKernels kernels, in Matrix a, in PackedProduct first, in PackedProduct second, int m, int k, bool last, void* scratch,
        ref TEpilogue epilogue, int row, int column)
        where TEpilogue : struct, ITileEpilogue
    {
        var place = Place(kernels, a, false, first.N + second.N);
        var left = (float*)((byte*)scratch + PanelPacking.ScratchBytes(kernels, Math.Min(Lanes(kernels, k), DepthBlock)));
        for (var i = 0; i < m; i += RowsAtOnce)
        {
            var tiles = new TileHeights(Math.Min(RowsAtOnce, m - i), kernels.TileRows);
            var start = 0;
            do
            {
                var length = Math.Min(DepthBlock * kernels.PerLane, k - start);
                var tile = new GemmTile { K = Lanes(kernels, length), Alpha = 1, BRowStep = kernels.TileColumns * sizeof(float) };
                var leftStep = PlaceLeft(kernels, place, a.At(i, start), false, tiles, length, left, scratch, packed: false, &tile);
                var end = last && start + length == k;
                RowsOf(kernels, &tile, first, i, start, leftStep, tiles, end, ref epilogue, row + i, column);
                RowsOf(kernels, &tile, second, i, start, leftStep, tiles, end, ref epilogue, row + i, column);
                start += length;
            }
            while (start < k);
        }
    }

    private static void RowsOf<TEpilogue>(
        MicroKernels kernels, GemmTile* tile, in PackedProduct product, int i, int start, long leftStep, in TileHeights tiles, bool last,
        ref TEpilogue epilogue, int row, int column)
        where TEpilogue : struct, ITileEpilogue
    {
        if (product.N == 0)
        {
            return;
        }

        tile->B = product.Packed + PanelFloats(kernels, product.N, start / kernels.PerLane);
        tile->C = product.C + i * product.Ldc;
        tile->CRowStep = product.Ldc * sizeof(float);
        tile->Accumulate = product.Accumulate || start > 0 ? 1 : 0;
        Tiles(kernels, tile, tile->K * tile->BRowStep, leftStep, tiles, product.N, last, ref epilogue, row, column);
    }

    /// <summary>A packed matrix, and where its product goes, whose rows are ldc floats apart.</summary>
    public readonly struct PackedProduct(float* packed, float* c, long ldc, int n, bool accumulate)
    {
        public float* Packed { get; } = packed;

        public float* C { get; } = c;

        public long Ldc { get; } = ldc;

        public int N { get; } = n;

        public bool Accumulate { get; } = accumulate;
    }
}
