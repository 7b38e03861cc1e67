using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Gemm
{
    /// <summary>
    /// The products of experts, one or two of the same rows, y = x w and
    /// <paramref name="ySecond"/> = x <paramref name="wSecond"/>, followed by an epilogue on all rows, also on those that have no expert.
    /// </summary>
    /// <param name="team">The threads.</param>
    /// <param name="x">rows x k; rows may be gathered.</param>
    /// <param name="w">[experts, k, n], or [experts, n, k] if <paramref name="transposeRight"/>.</param>
    /// <param name="wSecond">The matrices of the second product, in the same order, or default.</param>
    /// <param name="transposeRight">Whether the matrices are stored transposed.</param>
    /// <param name="offsets">The first row of each expert, and the number of rows that have one.</param>
    /// <param name="experts">The number of matrices.</param>
    /// <param name="y">[rows, n], or null where only the epilogue reads it: then each block of rows is in the second-level cache alone.</param>
    /// <param name="ySecond">As <paramref name="y"/>.</param>
    /// <param name="rows">All rows.</param>
    /// <param name="n">Columns of a product.</param>
    /// <param name="k">Length of the contraction.</param>
    /// <param name="epilogue">Reads and writes only the rows it is called for, of memory that the products do not read.</param>
    /// <param name="arithmetic">In which form the operands are multiplied.</param>
    public static void GroupedRows<TEpilogue>(
        Team team, Matrix x, Weight w, Weight wSecond, bool transposeRight, int* offsets, int experts, float* y, float* ySecond, int rows, int n, int k,
        TEpilogue epilogue, ElementFormat arithmetic = ElementFormat.Single)
        where TEpilogue : struct, IRowEpilogue
    {
        var used = experts == 0 ? 0 : offsets[experts];
        if (used > 0 && IsFewOfExperts(team, arithmetic, x, w, transposeRight, rows, k) && (wSecond.IsNull || wSecond.Format == w.Format))
        {
            FewRowsOfExperts(team, x, w, wSecond, offsets, experts, y, ySecond, rows, n, k, epilogue);
            return;
        }

        var rowBlock = GroupedRowBlock(team, used);
        var call = new GroupedRowsCall<TEpilogue>
        {
            Team = team,
            Kernels = FloatKernels(team, arithmetic),
            X = x,
            W = w,
            WSecond = wSecond,
            Y = y,
            YSecond = ySecond,
            Offsets = offsets,
            Experts = experts,
            TransposeRight = transposeRight,
            RowBlock = rowBlock,
            Rows = used,
            N = n,
            K = k,
            Epilogue = epilogue,
            IsRounded = transposeRight && IsRounded(team, arithmetic, rows, LeastGroupedByteRows) && ByteBlocks.Fits(x, Matrix.Transposed(w, k), k)
                && (wSecond.IsNull || wSecond.Format == w.Format),
        };
        team.Run(&GroupedRowsChunk<TEpilogue>, Unsafe.AsPointer(ref call), GroupedChunks(offsets, experts, rowBlock));
        WithoutExpert(team, y, ySecond, !wSecond.IsNull, used, rows, n, ref call.Epilogue);
    }

    private static void FewRowsOfExperts<TEpilogue>(
        Team team, in Matrix x, Weight w, Weight wSecond, int* offsets, int experts, float* y, float* ySecond, int rows, int n, int k, TEpilogue epilogue)
        where TEpilogue : struct, IRowEpilogue
    {
        using var hold = team.Hold();
        var used = offsets[experts];
        var floats = ((long)used * n + 15) / 16 * 16;
        long one = y == null ? floats : 0, other = ySecond == null && !wSecond.IsNull ? floats : 0;
        var memory = (float*)team.SharedScratch((one + other) * sizeof(float));
        var call = new GroupedRowsCall<TEpilogue>
        {
            Y = y != null ? y : memory,
            YSecond = wSecond.IsNull ? null : ySecond != null ? ySecond : memory + one,
            RowBlock = (used + team.Threads - 1) / team.Threads,
            Rows = used,
            Epilogue = epilogue,
        };
        FewOfExperts(team, x, w, wSecond, offsets, experts, call.Y, call.YSecond, n, k, false, default(NoEpilogue));
        team.Run(&GroupedEpilogueChunk<TEpilogue>, Unsafe.AsPointer(ref call), (used + call.RowBlock - 1) / call.RowBlock);
        WithoutExpert(team, y, ySecond, !wSecond.IsNull, used, rows, n, ref epilogue);
    }

    private static void GroupedEpilogueChunk<TEpilogue>(void* arguments, int chunk, int worker)
        where TEpilogue : struct, IRowEpilogue
    {
        ref var call = ref Unsafe.AsRef<GroupedRowsCall<TEpilogue>>(arguments);
        var row = chunk * call.RowBlock;
        call.Epilogue.Apply(row, Math.Min(row + call.RowBlock, call.Rows), 0, call.Y, call.YSecond);
    }

    private static void WithoutExpert<TEpilogue>(Team team, float* y, float* ySecond, bool isDouble, int used, int rows, int n, ref TEpilogue epilogue)
        where TEpilogue : struct, IRowEpilogue
    {
        if (used == rows)
        {
            return;
        }

        using var hold = team.Hold();
        var zeros = (float*)team.SharedScratch((long)RowsOfBlock * n * sizeof(float));
        new Span<float>(zeros, RowsOfBlock * n).Clear();
        ClearRows(y, used, rows, n);
        ClearRows(ySecond, used, rows, n);
        for (var row = used; row < rows; row += RowsOfBlock)
        {
            var none = zeros - (long)row * n;
            epilogue.Apply(row, Math.Min(row + RowsOfBlock, rows), 0, y != null ? y : none, !isDouble || ySecond != null ? ySecond : none);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GroupedRowsChunk<TEpilogue>(void* arguments, int chunk, int worker)
        where TEpilogue : struct, IRowEpilogue
    {
        ref var call = ref Unsafe.AsRef<GroupedRowsCall<TEpilogue>>(arguments);
        var (e, row, m) = RowsOfChunk(call.Offsets, call.Experts, call.RowBlock, chunk);
        var (_, next, nextRows) = RowsOfChunk(call.Offsets, call.Experts, call.RowBlock, chunk + call.Team.Threads);
        var kernels = call.Kernels;
        long floats = ((long)m * call.N + 15) / 16 * 16;
        long one = call.Y == null ? floats : 0, other = call.YSecond == null && !call.WSecond.IsNull ? floats : 0;
        var bytes = call.IsRounded ? RoundedExpertBytes(m, call.K) : GemmBlock.StreamedScratchBytes(kernels, m, call.N, call.K, !call.WSecond.IsNull);
        var memory = (float*)call.Team.Scratch(worker, (one + other) * sizeof(float) + bytes);
        var scratch = memory + one + other;
        var first = call.Y != null ? call.Y : memory - (long)row * call.N;
        var second = call.WSecond.IsNull ? null : call.YSecond != null ? call.YSecond : memory + one - (long)row * call.N;
        var none = default(NoEpilogue);
        var (c, cSecond) = ((nint)(first + (long)row * call.N), (nint)(second == null ? null : second + (long)row * call.N));
        var (w, wSecond) = (MatrixOf(call, call.W, e), MatrixOf(call, call.WSecond, e));
        if (call.IsRounded)
        {
            RoundedExpert(call.Team.ByteBlocks!, call.X.At(row, 0), w, (float*)c, wSecond, (float*)cSecond, m, call.N, call.K, false, scratch, ref none, row);
        }
        else
        {
            GemmBlock.RunStreamed(
                kernels, call.X.At(row, 0), w, (float*)c, wSecond, (float*)cSecond, call.N, m, call.N, call.K, false, call.X.At(next, 0), nextRows, scratch, ref none, row,
                call.Offsets[e + 1] - call.Offsets[e]);
        }

        call.Epilogue.Apply(row, row + m, 0, first, second);
    }

    private static Matrix MatrixOf<TEpilogue>(in GroupedRowsCall<TEpilogue> call, Weight w, int expert)
        where TEpilogue : struct, IRowEpilogue
    {
        var matrix = w + (long)expert * call.N * call.K;
        return call.TransposeRight ? Matrix.Transposed(matrix, call.K) : Matrix.RowMajor(matrix, call.N);
    }

    private struct GroupedRowsCall<TEpilogue>
    {
        public Team Team;
        public MicroKernels Kernels;
        public Matrix X;
        public Weight W;
        public Weight WSecond;
        public float* Y;
        public float* YSecond;
        public int* Offsets;
        public int Experts;
        public bool TransposeRight;
        public int RowBlock;
        public int Rows;
        public int N;
        public int K;
        public TEpilogue Epilogue;
        public bool IsRounded;
    }
}
