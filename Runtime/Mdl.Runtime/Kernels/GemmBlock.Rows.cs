using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>Products of blocks of rows with matrices that are packed beforehand, each block of the contraction on its own.</summary>
internal static unsafe partial class GemmBlock
{
    // Rows whose panels (192 KB) stay in the second-level cache while all panels of the right operand pass by.
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
    public static void RunRows(
        MicroKernels kernels, in Matrix a, in PackedProduct first, in PackedProduct second, int m, int k, in Matrix following, int followingRows, void* scratch)
    {
        var none = default(NoEpilogue);
        RunPanels(kernels, a, first, second, m, k, true, following, followingRows, scratch, ref none, 0, 0);
    }

    /// <summary>
    /// As <see cref="RunRows"/>; an epilogue on the tiles of the products if this is the <paramref name="last"/> part of the contraction. The first block of
    /// the <paramref name="following"/> rows, which this thread probably takes next, is fetched meanwhile.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunPanels<TEpilogue>(
        MicroKernels kernels, in Matrix a, in PackedProduct first, in PackedProduct second, int m, int k, bool last, in Matrix following, int followingRows,
        void* scratch, ref TEpilogue epilogue, int row, int column)
        where TEpilogue : struct, ITileEpilogue
    {
        var block = DepthBlock * kernels.PerLane;
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
                var upcoming = default(Upcoming);
                if (start + length < k)
                {
                    upcoming.Add(a.At(i, start + length), tiles.Rows, Math.Min(block, k - start - length));
                }
                else if (i + RowsAtOnce < m)
                {
                    upcoming.Add(a.At(i + RowsAtOnce, 0), Math.Min(RowsAtOnce, m - i - RowsAtOnce), Math.Min(block, k));
                }
                else
                {
                    upcoming.Add(following, Math.Min(RowsAtOnce, followingRows), Math.Min(block, k));
                }

                var ofFirst = tiles.Count * ((first.N + kernels.TileColumns - 1) / kernels.TileColumns);
                var ofSecond = tiles.Count * ((second.N + kernels.TileColumns - 1) / kernels.TileColumns);
                RowsOf(kernels, &tile, first, i, start, leftStep, tiles, end, ref epilogue, row + i, column, ref upcoming, ofFirst + ofSecond);
                RowsOf(kernels, &tile, second, i, start, leftStep, tiles, end, ref epilogue, row + i, column, ref upcoming, ofSecond);
                start += length;
            }
            while (start < k);
        }
    }

    // Matrices whose panels are at most so large (384 KB) stay in the second-level cache beside a block of rows and the product.
    private const int KeptRightFloats = 96 * 1024;

    private static bool IsKept(MicroKernels kernels, int n, int k, bool two) => (two ? 2 : 1) * PackedFloats(kernels, n, k) <= KeptRightFloats;

    private static long KeptScratchBytes(MicroKernels kernels, int m, int n, int k, bool two) =>
        sizeof(float) * (two ? 2 : 1) * PackedFloats(kernels, n, k) + RowsScratchBytes(kernels, m, k);

    // As RunRows, with one or two matrices that are packed here.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunKept<TEpilogue>(
        MicroKernels kernels, in Matrix a, in Matrix b, float* c, in Matrix bSecond, float* cSecond, long ldc, int m, int n, int k, bool accumulate,
        in Matrix following, int followingRows, void* scratch, ref TEpilogue epilogue, int row)
        where TEpilogue : struct, ITileEpilogue
    {
        var packed = (float*)scratch;
        var packedSecond = packed + PackedFloats(kernels, n, k);
        scratch = cSecond == null ? packedSecond : packedSecond + PackedFloats(kernels, n, k);
        for (var block = 0; block < DepthBlocks(kernels, k); block++)
        {
            PackPanels(kernels, b, n, k, block, 0, n, packed, scratch);
            if (cSecond != null)
            {
                PackPanels(kernels, bSecond, n, k, block, 0, n, packedSecond, scratch);
            }
        }

        RunPanels(
            kernels, a, new(packed, c, ldc, n, accumulate), cSecond == null ? default : new(packedSecond, cSecond, ldc, n, accumulate), m, k, true,
            following, followingRows, scratch, ref epilogue, row, 0);
    }

    private static void RowsOf<TEpilogue>(
        MicroKernels kernels, GemmTile* tile, in PackedProduct product, int i, int start, long leftStep, in TileHeights tiles, bool last,
        ref TEpilogue epilogue, int row, int column, ref Upcoming upcoming, int tilesLeft)
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
        Tiles(kernels, tile, tile->K * tile->BRowStep, leftStep, tiles, product.N, last, ref epilogue, row, column, ref upcoming, tilesLeft);
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
