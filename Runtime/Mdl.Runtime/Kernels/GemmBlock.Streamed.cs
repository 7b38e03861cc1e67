using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Products of rather few rows with matrices that come from memory. All rows are packed and stay in the second-level cache; of the matrix on the right one
/// panel at a time is packed, between the tiles of the one before. Packing it whole would cost as much as it saves.
/// </summary>
internal static unsafe partial class GemmBlock
{
    // A panel of the right operand of this length takes two thirds of the first-level cache.
    private const int StreamedDepth = 256;

    // The packed rows leave space in the second-level cache for the panels and the product.
    private const int StreamedLeftFloats = 320 * 1024;
    private const int FewStreamedColumns = 64;
    private const int CacheLine = 64;

    /// <summary>Bytes of scratch memory that <see cref="RunStreamed"/> needs.</summary>
    public static long StreamedScratchBytes(MicroKernels kernels, int m, int n, int k, bool two)
    {
        if (IsKept(kernels, n, k, two))
        {
            return Math.Max(KeptScratchBytes(kernels, m, n, k, two), ScratchBytes(kernels, m, n, k));
        }

        var depth = Math.Min(Lanes(kernels, k), StreamedDepth);
        var blocks = (Math.Min(Lanes(kernels, k), StreamedLanes(m)) + StreamedDepth - 1) / StreamedDepth;
        return Math.Max(
            ScratchBytes(kernels, Math.Min(m, FewRows), n, k),
            n <= FewStreamedColumns ? ScratchBytes(kernels, m, n, k) : 0)
            + PanelPacking.ScratchBytes(kernels, depth)
            + sizeof(float) * (2 * PanelFloats(kernels, 1, depth) + blocks * StreamedBlockStep(kernels, m, depth));
    }

    /// <summary>
    /// c[m,n] (+)= a[m,k] b[k,n] and, if there is a second matrix, the same with it; the rows of a may be gathered. <paramref name="allRows"/> is the
    /// number of rows that these are cut from. The first of the <paramref name="following"/> rows, which this thread probably takes next, may be fetched.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunStreamed<TEpilogue>(
        MicroKernels kernels, in Matrix a, in Matrix b, float* c, in Matrix bSecond, float* cSecond, long ldc, int m, int n, int k, bool accumulate,
        in Matrix following, int followingRows, void* scratch, ref TEpilogue epilogue, int row, int allRows)
        where TEpilogue : struct, ITileEpilogue
    {
        if (allRows <= FewRows || n <= FewStreamedColumns)
        {
            Run(kernels, a, false, b, c, ldc, m, n, k, 1, accumulate, scratch, ref epilogue, row, 0, allRows);
            if (cSecond != null)
            {
                Run(kernels, a, false, bSecond, cSecond, ldc, m, n, k, 1, accumulate, scratch, ref epilogue, row, 0, allRows);
            }

            return;
        }

        if (IsKept(kernels, n, k, cSecond != null))
        {
            RunKept(kernels, a, b, c, bSecond, cSecond, ldc, m, n, k, accumulate, following, followingRows, scratch, ref epilogue, row);
            return;
        }

        var most = Math.Min(Lanes(kernels, k), StreamedDepth);
        var panel = (float*)((byte*)scratch + PanelPacking.ScratchBytes(kernels, most));
        var left = panel + 2 * PanelFloats(kernels, 1, most);
        var blockStep = StreamedBlockStep(kernels, m, most);
        var tiles = new TileHeights(m, kernels.TileRows);
        var together = StreamedLanes(m) * kernels.PerLane;
        var start = 0;
        do
        {
            var length = Math.Min(together, k - start);
            var tile = default(GemmTile);
            for (int i = 0, block = 0; i < length; i += StreamedDepth * kernels.PerLane, block++)
            {
                var part = Math.Min(StreamedDepth * kernels.PerLane, length - i);
                PlaceLeft(kernels, LeftPlace.PanelsOfRows, a.At(0, start + i), false, tiles, part, left + block * blockStep, scratch, packed: false, &tile);
            }

            Streamed(kernels, b, c, ldc, start, length, k, n, accumulate, left, blockStep, panel, scratch, tiles, ref epilogue, row);
            if (cSecond != null)
            {
                Streamed(kernels, bSecond, cSecond, ldc, start, length, k, n, accumulate, left, blockStep, panel, scratch, tiles, ref epilogue, row);
            }

            start += length;
        }
        while (start < k);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Streamed<TEpilogue>(
        MicroKernels kernels, in Matrix b, float* c, long ldc, int start, int length, int k, int n, bool accumulate, float* left, long blockStep,
        float* panel, void* scratch, in TileHeights tiles, ref TEpilogue epilogue, int row)
        where TEpilogue : struct, ITileEpilogue
    {
        var step = StreamedDepth * kernels.PerLane;
        var current = new PanelSource(kernels, b, start, 0, Math.Min(step, length), Math.Min(kernels.TileColumns, n), panel, scratch);
        var spare = panel + PanelFloats(kernels, 1, Math.Min(Lanes(kernels, k), StreamedDepth));
        current.Pack(current.Slices);
        for (var j = 0; j < n; j += kernels.TileColumns)
        {
            var depthStart = 0;
            do
            {
                var (at, end) = (start + depthStart, depthStart + current.Length);
                var next = end < length
                    ? new PanelSource(kernels, b, start + end, j, Math.Min(step, length - end), current.Columns, spare, scratch)
                    : new PanelSource(
                        kernels, b, start, j + current.Columns, Math.Min(step, length), Math.Min(kernels.TileColumns, n - j - current.Columns), spare, scratch);
                var depth = Lanes(kernels, current.Length);
                var tile = new GemmTile
                {
                    A = left + depthStart / step * blockStep,
                    ARowStep = sizeof(float),
                    AColumnStep = kernels.TileRows * sizeof(float),
                    B = current.Panel,
                    BRowStep = kernels.TileColumns * sizeof(float),
                    C = c + j,
                    CRowStep = ldc * sizeof(float),
                    K = depth,
                    Alpha = 1,
                    Accumulate = accumulate || at > 0 ? 1 : 0,
                };
                var leftStep = LeftPanelStep(kernels, depth);
                var share = (next.Slices + tiles.Count - 1) / tiles.Count;
                for (int t = 0, i = 0; t < tiles.Count; t++)
                {
                    var height = tiles.Height(t);
                    next.Fetch(share, &tile);
                    kernels.Run(&tile, height, current.Columns);
                    next.Pack(share);
                    if (typeof(TEpilogue) != typeof(NoEpilogue) && at + current.Length == k)
                    {
                        epilogue.Apply(tile.C, ldc, row + i, j, height, current.Columns);
                    }

                    tile.A += leftStep;
                    tile.C += height * ldc;
                    i += height;
                }

                spare = current.Panel;
                current = next;
                depthStart = end;
            }
            while (depthStart < length);
        }
    }

    // Of the contraction, so much that all rows of it stay in the second-level cache.
    private static int StreamedLanes(int m) => Math.Max(1, StreamedLeftFloats / Math.Max(m, 1) / StreamedDepth) * StreamedDepth;

    private static long StreamedBlockStep(MicroKernels kernels, int m, int depth) => new TileHeights(m, kernels.TileRows).Count * LeftPanelStep(kernels, depth);

    /// <summary>
    /// A part of the right operand that becomes a panel slice by slice, each of which is fetched some time before: so the memory is always busy, and lines at
    /// a distance of a power of two do not wait for one another in few sets of the caches.
    /// </summary>
    private ref struct PanelSource(MicroKernels kernels, in Matrix b, int row, int column, int length, int columns, float* panel, void* scratch)
    {
        // Lanes along the contraction in a slice: a cache line, so that every line is read once.
        private const int SliceLanes = 16;

        private readonly Matrix _source = columns > 0 ? b.At(row, column) : default;
        private int _fetched;
        private int _packed;

        public int Length { get; } = length;

        public int Columns { get; } = columns;

        public float* Panel { get; } = panel;

        public readonly int Slices => Columns > 0 ? (Length + Slice - 1) / Slice : 0;

        private readonly int Slice => SliceLanes * kernels.PerLane;

        /// <summary>Lets the kernel that computes a tile fetch the next slices.</summary>
        public void Fetch(int slices, GemmTile* tile)
        {
            var upcoming = default(Upcoming);
            var end = Math.Min(Length, _fetched + slices * Slice);
            if (Columns > 0 && _fetched < end && _source.Rows == null)
            {
                upcoming.Add(_source.At(_fetched, 0), end - _fetched, Columns);
                _fetched = end;
            }

            upcoming.Share(kernels, tile, 1);
        }

        public void Pack(int slices)
        {
            var end = Math.Min(Length, _packed + slices * Slice);
            if (Columns > 0 && _packed < end)
            {
                PanelPacking.Right(
                    kernels, _source.At(_packed, 0), end - _packed, Columns, Panel + _packed / kernels.PerLane * kernels.TileColumns, 0, scratch);
                _packed = end;
            }
        }
    }
}
