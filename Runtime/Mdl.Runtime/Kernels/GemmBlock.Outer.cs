using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Products with short contractions, of which far more is written than read. Their tiles go past the caches: to read lines that are overwritten as a whole
/// would double the traffic.
/// </summary>
internal static unsafe partial class GemmBlock
{
    // What the caches may still hold when it is read next is better left there.
    private const long LeastWrittenBytes = 64 << 20;
    private const int VectorFloats = 16;

    /// <summary>Whether <see cref="RunOuter"/> suits a product whose parts have so many bytes together; it gives the same bits as <see cref="Run"/>.</summary>
    public static bool IsWrittenThrough(MicroKernels kernels, float* c, long ldc, int k, long bytes) =>
        bytes >= LeastWrittenBytes && Vector512.IsHardwareAccelerated && Sse.IsSupported && kernels.TileColumns % VectorFloats == 0
        && Lanes(kernels, k) <= StreamedDepth && (nint)c % CacheLine == 0 && ldc % VectorFloats == 0;

    /// <summary>Bytes of scratch memory that <see cref="RunOuter"/> needs.</summary>
    public static long OuterScratchBytes(MicroKernels kernels, int m, int k)
    {
        var depth = Lanes(kernels, k);
        return PanelPacking.ScratchBytes(kernels, depth)
            + sizeof(float) * (kernels.TileRows * kernels.TileColumns + PanelFloats(kernels, 1, depth) + StreamedBlockStep(kernels, m, depth));
    }

    /// <summary>c[m,n] = a b[k,n] for a given as [k,m].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunOuter<TEpilogue>(
        MicroKernels kernels, in Matrix a, in Matrix b, float* c, long ldc, int m, int n, int k, void* scratch, ref TEpilogue epilogue, int row, int column)
        where TEpilogue : struct, ITileEpilogue
    {
        var depth = Lanes(kernels, k);
        var finished = (float*)((byte*)scratch + PanelPacking.ScratchBytes(kernels, depth));
        var panel = finished + kernels.TileRows * kernels.TileColumns;
        var left = panel + PanelFloats(kernels, 1, depth);
        var tiles = new TileHeights(m, kernels.TileRows);
        var tile = new GemmTile { K = depth, Alpha = 1, B = panel, BRowStep = kernels.TileColumns * sizeof(float), C = finished };
        tile.CRowStep = tile.BRowStep;
        var leftStep = PlaceLeft(kernels, LeftPlace.PanelsOfColumns, a, true, tiles, k, left, scratch, packed: false, &tile);
        for (var j = 0; j < n; j += kernels.TileColumns)
        {
            var columns = Math.Min(kernels.TileColumns, n - j);
            PanelPacking.Right(kernels, b.At(0, j), k, columns, panel, 0, scratch);
            tile.A = left;
            var target = c + j;
            for (int t = 0, i = 0; t < tiles.Count; t++)
            {
                var height = tiles.Height(t);
                kernels.Run(&tile, height, columns);
                if (typeof(TEpilogue) != typeof(NoEpilogue))
                {
                    epilogue.Apply(finished, kernels.TileColumns, row + i, column + j, height, columns);
                }

                for (var r = 0; r < height; r++)
                {
                    WriteThrough(finished + r * kernels.TileColumns, target, columns);
                    target += ldc;
                }

                tile.A = (float*)((byte*)tile.A + leftStep);
                i += height;
            }
        }

        // Such stores are not ordered with those that tell other threads that the chunk is done.
        Sse.StoreFence();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteThrough(float* from, float* to, int count)
    {
        var i = 0;
        for (; i + VectorFloats <= count; i += VectorFloats)
        {
            Vector512.StoreAlignedNonTemporal(Vector512.Load(from + i), to + i);
        }

        for (; i < count; i++)
        {
            to[i] = from[i];
        }
    }
}
