using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Gemm
{
    /// <summary>
    /// The products of experts: rows offsets[e] .. offsets[e+1]-1 of y[rows,n] are the same rows of x times w[e], which is [k,n], or [n,k] if
    /// <paramref name="transposeRight"/>. Rows of y from offsets[experts] on are set to 0. The rows of x may be gathered. With
    /// <paramref name="accumulate"/> the products are added to y, and rows without an expert stay as they are.
    /// </summary>
    public static void Grouped(
        Team team, Matrix x, Weight w, bool transposeRight, int* offsets, int experts, float* y, int rows, int n, int k, bool accumulate = false,
        ElementFormat arithmetic = ElementFormat.Single) =>
        Grouped(team, x, w, transposeRight, offsets, experts, y, rows, n, k, accumulate, default(NoEpilogue), arithmetic);

    /// <summary>As the plain form, with an epilogue on finished tiles; rows without an expert get none.</summary>
    public static void Grouped<TEpilogue>(
        Team team, Matrix x, Weight w, bool transposeRight, int* offsets, int experts, float* y, int rows, int n, int k, bool accumulate, TEpilogue epilogue,
        ElementFormat arithmetic = ElementFormat.Single)
        where TEpilogue : struct, ITileEpilogue
    {
        if (rows <= 0 || n <= 0)
        {
            return;
        }

        var used = experts == 0 ? 0 : offsets[experts];
        if (used > 0 && IsFewOfExperts(team, arithmetic, x, w, transposeRight, rows, k))
        {
            FewOfExperts(team, x, w, default, offsets, experts, y, null, n, k, accumulate, epilogue);
            ClearRows(accumulate ? null : y, used, rows, n);
            return;
        }

        var kernels = FloatKernels(team, arithmetic);
        var rowBlock = GroupedRowBlock(team, used);
        var call = new GroupedCall<TEpilogue>
        {
            Team = team,
            Kernels = kernels,
            X = x,
            W = w,
            Y = y,
            Offsets = offsets,
            Experts = experts,
            TransposeRight = transposeRight,
            RowBlock = rowBlock,
            N = n,
            K = k,
            Accumulate = accumulate,
            Epilogue = epilogue,
            IsRounded = transposeRight && IsRounded(team, arithmetic, rows, LeastGroupedByteRows) && ByteBlocks.Fits(x, Matrix.Transposed(w, k), k),
        };
        team.Run(&GroupedChunk<TEpilogue>, Unsafe.AsPointer(ref call), GroupedChunks(offsets, experts, rowBlock));
        ClearRows(accumulate ? null : y, used, rows, n);
    }

    private static bool IsFewOfExperts(Team team, ElementFormat arithmetic, in Matrix x, Weight w, bool transposeRight, int rows, int k) =>
        transposeRight && rows < LeastGroupedByteRows && IsFew(team, arithmetic, x, Matrix.Transposed(w, k), k);

    private static void ClearRows(float* y, int begin, int end, int n)
    {
        if (y != null)
        {
            new Span<float>(y + (long)begin * n, checked((end - begin) * n)).Clear();
        }
    }

    private static int GroupedRowBlock(Team team, int rows)
    {
        // High enough to hide the packing of the expert's matrix, low enough that an expert with most rows is shared by all threads.
        var tile = team.Kernels.TileRows;
        var share = rows / (4 * team.Threads);
        return Math.Clamp(share / tile, 8, 64) * tile;
    }

    // Each expert's rows are cut into blocks of their own.
    private static int GroupedChunks(int* offsets, int experts, int rowBlock)
    {
        var chunks = 0;
        for (var e = 0; e < experts; e++)
        {
            chunks += BlocksOf(offsets, e, rowBlock);
        }

        return chunks;
    }

    // The expert and the rows of a chunk; none behind the last chunk.
    private static (int Expert, int Row, int Rows) RowsOfChunk(int* offsets, int experts, int rowBlock, int chunk)
    {
        for (var e = 0; e < experts; e++)
        {
            var blocks = BlocksOf(offsets, e, rowBlock);
            if (chunk < blocks)
            {
                var row = offsets[e] + (chunk * rowBlock);
                return (e, row, Math.Min(rowBlock, offsets[e + 1] - row));
            }

            chunk -= blocks;
        }

        return default;
    }

    private static int BlocksOf(int* offsets, int expert, int rowBlock) => (offsets[expert + 1] - offsets[expert] + rowBlock - 1) / rowBlock;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GroupedChunk<TEpilogue>(void* arguments, int chunk, int worker)
        where TEpilogue : struct, ITileEpilogue
    {
        ref var call = ref Unsafe.AsRef<GroupedCall<TEpilogue>>(arguments);
        var (e, row, m) = RowsOfChunk(call.Offsets, call.Experts, call.RowBlock, chunk);
        var (_, next, nextRows) = RowsOfChunk(call.Offsets, call.Experts, call.RowBlock, chunk + call.Team.Threads);
        int n = call.N, k = call.K;
        var w = call.W + (long)e * n * k;
        if (call.IsRounded)
        {
            RoundedExpert(
                call.Team.ByteBlocks!, call.X.At(row, 0), Matrix.Transposed(w, k), call.Y + (long)row * n, default, null, m, n, k, call.Accumulate,
                call.Team.Scratch(worker, RoundedExpertBytes(m, k)), ref call.Epilogue, row);
            return;
        }

        var kernels = call.Kernels;
        var scratch = call.Team.Scratch(worker, GemmBlock.StreamedScratchBytes(kernels, m, n, k, two: false));
        GemmBlock.RunStreamed(
            kernels, call.X.At(row, 0), call.TransposeRight ? Matrix.Transposed(w, k) : Matrix.RowMajor(w, n), call.Y + (long)row * n, default, null,
            n, m, n, k, call.Accumulate, call.X.At(next, 0), nextRows, scratch, ref call.Epilogue, row, call.Offsets[e + 1] - call.Offsets[e]);
    }

    private struct GroupedCall<TEpilogue>
    {
        public Team Team;
        public MicroKernels Kernels;
        public Matrix X;
        public Weight W;
        public float* Y;
        public int* Offsets;
        public int Experts;
        public bool TransposeRight;
        public int RowBlock;
        public int N;
        public int K;
        public bool Accumulate;
        public TEpilogue Epilogue;
        public bool IsRounded;
    }
}
