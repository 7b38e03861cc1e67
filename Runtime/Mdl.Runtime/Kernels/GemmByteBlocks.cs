using System.Runtime.CompilerServices;
using Mdl.Runtime.Assembly;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Gemm
{
    // Products of fewer rows read the matrix faster than they multiply, and those of single tokens must not differ from those of a few.
    private const int LeastByteRows = 33;
    private const int LeastGroupedByteRows = 256;

    // The packed rows stay in the third-level cache while all panels pass by.
    private const int ByteRowsAtOnce = 1024;
    private const int TilesOfChunk = 4;

    private static bool IsRounded(Team team, ElementFormat arithmetic, int rows, int least) =>
        arithmetic == ElementFormat.Int8Blocks && rows >= least && team.ByteBlocks is not null;

    // Operands that are not rounded are multiplied in single precision.
    private static ElementFormat Unrounded(ElementFormat arithmetic) => arithmetic == ElementFormat.Int8Blocks ? ElementFormat.Single : arithmetic;

    private static void Rounded<TEpilogue>(Team team, in Matrix a, in Matrix b, float* c, long ldc, int m, int n, int k, bool accumulate, TEpilogue epilogue)
        where TEpilogue : struct, ITileEpilogue
    {
        using var hold = team.Hold();
        var packed = (byte*)team.PackedScratch(ByteBlocks.LeftBytes(Math.Min(m, ByteRowsAtOnce), k));
        for (var row = 0; row < m; row += ByteRowsAtOnce)
        {
            var call = new RoundedCall<TEpilogue>
            {
                Team = team,
                A = a.At(row, 0),
                B = b,
                C = c + (row * ldc),
                Ldc = ldc,
                Packed = packed,
                Row = row,
                M = Math.Min(ByteRowsAtOnce, m - row),
                N = n,
                K = k,
                Accumulate = accumulate,
                Epilogue = epilogue,
            };
            var tiles = new TileHeights(call.M, ByteTile.Rows).Count;
            team.Run(&RoundChunk<TEpilogue>, Unsafe.AsPointer(ref call), (tiles + TilesOfChunk - 1) / TilesOfChunk);
            team.Run(&RoundedChunk<TEpilogue>, Unsafe.AsPointer(ref call), (n + ByteTile.Columns - 1) / ByteTile.Columns);
        }
    }

    private static void RoundChunk<TEpilogue>(void* arguments, int chunk, int worker)
        where TEpilogue : struct, ITileEpilogue
    {
        ref var call = ref Unsafe.AsRef<RoundedCall<TEpilogue>>(arguments);
        var tiles = new TileHeights(call.M, ByteTile.Rows);
        var first = chunk * TilesOfChunk;
        ByteBlocks.PackLeft(call.A, call.K, ByteBlocks.Zero(call.B.Format), tiles, first, Math.Min(TilesOfChunk, tiles.Count - first), call.Packed);
    }

    private static void RoundedChunk<TEpilogue>(void* arguments, int chunk, int worker)
        where TEpilogue : struct, ITileEpilogue
    {
        ref var call = ref Unsafe.AsRef<RoundedCall<TEpilogue>>(arguments);
        var column = chunk * ByteTile.Columns;
        var columns = Math.Min(ByteTile.Columns, call.N - column);
        var panel = (byte*)call.Team.Scratch(worker, ByteBlocks.PanelBytes(call.K));
        ByteBlocks.PackRight(call.B, column, columns, column + (2 * ByteTile.Columns) > call.N, call.K, panel);
        ByteBlocks.Run(
            call.Team.ByteBlocks!, call.Packed, new(call.M, ByteTile.Rows), panel, call.C + column, call.Ldc, columns, call.K, call.Accumulate,
            ref call.Epilogue, call.Row, column);
    }

    /// <summary>Bytes of scratch memory for <see cref="RoundedExpert"/>.</summary>
    private static long RoundedExpertBytes(int m, int k) => ByteBlocks.LeftBytes(m, k) + ByteBlocks.PanelBytes(k) + 64;

    /// <summary>The product of the rows of one expert, and of a second matrix if there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RoundedExpert<TEpilogue>(
        ByteBlockKernels kernels, in Matrix a, in Matrix b, float* c, in Matrix bSecond, float* cSecond, int m, int n, int k, bool accumulate, void* scratch,
        ref TEpilogue epilogue, int row)
        where TEpilogue : struct, ITileEpilogue
    {
        var tiles = new TileHeights(m, ByteTile.Rows);
        var panel = (byte*)scratch;
        var left = panel + ((ByteBlocks.PanelBytes(k) + 63) / 64 * 64);
        ByteBlocks.PackLeft(a, k, ByteBlocks.Zero(b.Format), tiles, 0, tiles.Count, left);
        for (var column = 0; column < n; column += ByteTile.Columns)
        {
            var columns = Math.Min(ByteTile.Columns, n - column);
            var isLast = column + (2 * ByteTile.Columns) > n;
            ByteBlocks.PackRight(b, column, columns, isLast, k, panel);
            ByteBlocks.Run(kernels, left, tiles, panel, c + column, n, columns, k, accumulate, ref epilogue, row, column);
            if (cSecond != null)
            {
                ByteBlocks.PackRight(bSecond, column, columns, isLast, k, panel);
                ByteBlocks.Run(kernels, left, tiles, panel, cSecond + column, n, columns, k, accumulate, ref epilogue, row, column);
            }
        }
    }

    private struct RoundedCall<TEpilogue>
    {
        public Team Team;
        public Matrix A;
        public Matrix B;
        public float* C;
        public long Ldc;
        public byte* Packed;
        public int Row;
        public int M;
        public int N;
        public int K;
        public bool Accumulate;
        public TEpilogue Epilogue;
    }
}
