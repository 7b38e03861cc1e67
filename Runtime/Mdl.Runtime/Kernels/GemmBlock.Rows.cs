using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>Products of blocks of rows with matrices that are packed beforehand, each block of the contraction on its own.</summary>
internal static unsafe partial class GemmBlock
{
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

    /// <summary>Bytes of scratch memory that <see cref="RunRows"/> and, with no rows, <see cref="PackPanels"/> need.</summary>
    public static long RowsScratchBytes(MicroKernels kernels, int m, int k)
    {
        var depth = Math.Min(Lanes(kernels, k), DepthBlock);
        return PanelPacking.ScratchBytes(kernels, depth) + sizeof(float) * LeftBlockStep(kernels, m, depth);
    }

    /// <summary>The products of a[m,k] with one or two packed matrices. The bits are those of <see cref="Run"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunRows(MicroKernels kernels, in Matrix a, in PackedProduct first, in PackedProduct second, int m, int k, void* scratch)
    {
        var place = Place(kernels, a, false, first.N + second.N);
        var most = Math.Min(Lanes(kernels, k), DepthBlock);
        var left = (float*)((byte*)scratch + PanelPacking.ScratchBytes(kernels, most));
        var rowBlock = RowBlock(kernels, most);
        for (var row = 0; row < m; row += rowBlock)
        {
            var tiles = new TileHeights(Math.Min(rowBlock, m - row), kernels.TileRows);
            var start = 0;
            do
            {
                var length = Math.Min(DepthBlock * kernels.PerLane, k - start);
                var tile = new GemmTile { K = Lanes(kernels, length), Alpha = 1, BRowStep = kernels.TileColumns * sizeof(float) };
                var leftStep = PlaceLeft(kernels, place, a.At(row, start), false, tiles, length, left, scratch, packed: false, &tile);
                RowsOf(kernels, &tile, first, row, start, leftStep, tiles);
                RowsOf(kernels, &tile, second, row, start, leftStep, tiles);
                start += length;
            }
            while (start < k);
        }
    }

    private static void RowsOf(MicroKernels kernels, GemmTile* tile, in PackedProduct product, int row, int start, long leftStep, in TileHeights tiles)
    {
        if (product.N == 0)
        {
            return;
        }

        var none = default(NoEpilogue);
        tile->B = product.Packed + PanelFloats(kernels, product.N, start / kernels.PerLane);
        tile->C = product.C + (long)row * product.N;
        tile->CRowStep = product.N * sizeof(float);
        tile->Accumulate = product.Accumulate || start > 0 ? 1 : 0;
        Tiles(kernels, tile, tile->K * tile->BRowStep, leftStep, tiles, product.N, true, ref none, 0, 0);
    }

    /// <summary>A packed matrix, and where the rows of its product go, n floats apart.</summary>
    public readonly struct PackedProduct(float* packed, float* c, int n, bool accumulate)
    {
        public float* Packed { get; } = packed;

        public float* C { get; } = c;

        public int N { get; } = n;

        public bool Accumulate { get; } = accumulate;
    }
}
