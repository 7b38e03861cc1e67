using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Products of many rows: the threads pack the right operand together and then take blocks of rows, of which each packs its own. Every operand is
/// packed once, and the blocks are small enough that no thread waits long for another one.
/// </summary>
public static unsafe partial class Gemm
{
    // 32 MB of the right operand at a time, for a part of the contraction that is long enough to keep partial sums rare.
    private const long MostPackedFloats = 8 << 20;
    private const int MostPackedDepthBlocks = 4;

    // Less work than this is done before the threads have met twice.
    private const double LeastSharedWork = 1 << 24;

    private static bool Shares(MicroKernels kernels, int threads, int m, int n, int k) =>
        (double)m * n * k >= LeastSharedWork && m >= 2 * RowsOfBlock && n >= kernels.TileColumns && RowBlocks(m) >= 2 * threads;

    private static void Shared<TEpilogue>(
        Team team, MicroKernels kernels, in Matrix a, in Matrix b, float* c, long ldc, int m, int n, int k, bool accumulate, TEpilogue epilogue)
        where TEpilogue : struct, ITileEpilogue
    {
        using var hold = team.Hold();
        var depth = Math.Min(k, MostPackedDepthBlocks * GemmBlock.DepthBlock * kernels.PerLane);
        var width = (int)Math.Min(n, MostPackedFloats * kernels.PerLane / depth / kernels.TileColumns * kernels.TileColumns);
        var packed = (float*)team.PackedScratch(GemmBlock.PackedFloats(kernels, width, depth) * sizeof(float));
        for (var column = 0; column < n; column += width)
        {
            for (var start = 0; start < k; start += depth)
            {
                var call = new SharedCall<TEpilogue>
                {
                    Team = team,
                    Kernels = kernels,
                    A = a.At(0, start),
                    B = b.At(start, column),
                    C = c + column,
                    Ldc = ldc,
                    Packed = packed,
                    M = m,
                    N = Math.Min(width, n - column),
                    K = Math.Min(depth, k - start),
                    RowBlock = RowBlock(m),
                    Column = column,
                    Accumulate = accumulate || start > 0,
                    Last = start + depth >= k,
                    Epilogue = epilogue,
                };
                team.Run(&SharedPackChunk<TEpilogue>, Unsafe.AsPointer(ref call), PackChunks(kernels, call.N, call.K));
                team.Run(&SharedChunk<TEpilogue>, Unsafe.AsPointer(ref call), RowBlocks(m));
            }
        }
    }

    private static void SharedPackChunk<TEpilogue>(void* arguments, int chunk, int worker)
        where TEpilogue : struct, ITileEpilogue
    {
        ref var call = ref Unsafe.AsRef<SharedCall<TEpilogue>>(arguments);
        PackChunk(call.Team, call.Kernels, call.B, call.N, call.K, call.Packed, chunk, worker);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SharedChunk<TEpilogue>(void* arguments, int chunk, int worker)
        where TEpilogue : struct, ITileEpilogue
    {
        ref var call = ref Unsafe.AsRef<SharedCall<TEpilogue>>(arguments);
        var row = chunk * call.RowBlock;
        var m = Math.Min(call.RowBlock, call.M - row);
        var next = Math.Min(call.M, row + call.Team.Threads * call.RowBlock);
        GemmBlock.RunPanels(
            call.Kernels, call.A.At(row, 0), new(call.Packed, call.C + row * call.Ldc, call.Ldc, call.N, call.Accumulate), default, m, call.K, call.Last, call.A.At(next, 0), call.M - next,
            call.Team.Scratch(worker, GemmBlock.RowsScratchBytes(call.Kernels, m, call.K)), ref call.Epilogue, row, call.Column);
    }

    private struct SharedCall<TEpilogue>
    {
        public Team Team;
        public MicroKernels Kernels;
        public Matrix A;
        public Matrix B;
        public float* C;
        public float* Packed;
        public long Ldc;
        public int M;
        public int N;
        public int K;
        public int RowBlock;
        public int Column;
        public bool Accumulate;
        public bool Last;
        public TEpilogue Epilogue;
    }
}
