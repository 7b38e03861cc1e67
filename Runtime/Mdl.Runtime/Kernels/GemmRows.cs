using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Gemm
{
    // Rows of a block: their products and the panels of the left operand lie in the second-level cache together. Blocks come in pairs, so that
    // two threads have equally many.
    private const int RowsOfBlock = 96;
    private const int MostRowBlocks = 64;

    // Panels of the right operand that are packed at a time.
    private const int PanelsOfChunk = 4;

    /// <summary>The number of blocks that <see cref="Rows{TEpilogue}"/> cuts so many rows into.</summary>
    public static int RowBlocks(int rows) => rows <= 0 ? 0 : (rows + RowBlock(rows) - 1) / RowBlock(rows);

    /// <summary>
    /// One or two products of the same left operand, x w, and an epilogue on each block of their rows. Matrices on the right are packed once for
    /// all blocks.
    /// </summary>
    /// <param name="team">The threads.</param>
    /// <param name="x">rows x k.</param>
    /// <param name="first">The first product.</param>
    /// <param name="second">The second product, or default.</param>
    /// <param name="rows">Rows of the products.</param>
    /// <param name="k">Length of the contraction.</param>
    /// <param name="epilogue">Reads of the products only the rows it is called for; writes memory that the products do not read.</param>
    /// <param name="arithmetic">In which form the operands are multiplied.</param>
    public static void Rows<TEpilogue>(
        Team team, Matrix x, RowProduct first, RowProduct second, int rows, int k, TEpilogue epilogue, ElementFormat arithmetic = ElementFormat.Single)
        where TEpilogue : struct, IRowEpilogue => Rows(team, default(NoPrologue), x, first, second, rows, k, epilogue, arithmetic);

    /// <summary>As the form without prologue, of a left operand whose rows are made block by block.</summary>
    /// <param name="team">The threads.</param>
    /// <param name="prologue">Makes the rows of <paramref name="x"/> that it is called for; reads nothing that the products or the epilogue write.</param>
    /// <param name="x">rows x k, where the prologue stores it; or default where only the products read it: then blocks of rows are in the second-level cache alone.</param>
    /// <param name="first">The first product.</param>
    /// <param name="second">The second product, or default.</param>
    /// <param name="rows">Rows of the products.</param>
    /// <param name="k">Length of the contraction.</param>
    /// <param name="epilogue">Reads of the products, and of what the prologue stores, only the rows it is called for; writes memory that the products do not read.</param>
    /// <param name="arithmetic">In which form the operands are multiplied.</param>
    public static void Rows<TPrologue, TEpilogue>(
        Team team, TPrologue prologue, Matrix x, RowProduct first, RowProduct second, int rows, int k, TEpilogue epilogue,
        ElementFormat arithmetic = ElementFormat.Single)
        where TPrologue : struct, IRowPrologue
        where TEpilogue : struct, IRowEpilogue
    {
        var blocks = RowBlocks(rows);
        if (blocks == 0)
        {
            return;
        }

        var isMade = x.Data == null && typeof(TPrologue) != typeof(NoPrologue);
        if (isMade)
        {
            x = Matrix.RowMajor((float*)null, k);
        }

        // Few rows are cut by columns, which takes whole products; their bits are the same, except that very few rows add in another order.
        var whole = rows <= (first.W.IsBlocks ? BlockDots.MostRows : Dots.MostRows) || (team.Threads > 1 && blocks < 2 * team.Threads)
            || (IsRounded(team, arithmetic, rows, LeastByteRows) && ByteBlocks.Fits(x, first.W, k) && (second.N == 0 || ByteBlocks.Fits(x, second.W, k)));
        var kernels = FloatKernels(team, arithmetic);
        using var hold = team.Hold();
        long one = whole ? Missing(first, rows) : GemmBlock.PackedFloats(kernels, first.N, k);
        long other = whole ? Missing(second, rows) : GemmBlock.PackedFloats(kernels, second.N, k);
        var memory = (float*)team.SharedScratch((one + other + (whole && isMade ? (long)rows * k : 0)) * sizeof(float));
        var call = new RowsCall<TPrologue, TEpilogue>
        {
            Team = team,
            Kernels = kernels,
            X = whole && isMade ? Matrix.RowMajor(memory + one + other, k) : x,
            First = first,
            Second = second,
            FirstMemory = memory,
            SecondMemory = memory + one,
            IsMade = isMade,
            Rows = rows,
            RowBlock = RowBlock(rows),
            K = k,
            Prologue = prologue,
            Epilogue = epilogue,
        };
        if (whole)
        {
            if (typeof(TPrologue) != typeof(NoPrologue))
            {
                call.Grain = RowLaunch.Grain(rows, k, rows);
                team.Run(&PrologueChunk<TPrologue, TEpilogue>, Unsafe.AsPointer(ref call), (int)((rows + call.Grain - 1) / call.Grain));
            }

            Whole(ref call, first, call.FirstMemory, arithmetic);
            Whole(ref call, second, call.SecondMemory, arithmetic);
            if (typeof(TEpilogue) != typeof(NoRowEpilogue))
            {
                team.Run(&EpilogueChunk<TPrologue, TEpilogue>, Unsafe.AsPointer(ref call), blocks);
            }

            return;
        }

        team.Run(&PackChunk<TPrologue, TEpilogue>, Unsafe.AsPointer(ref call), PackChunks(kernels, first.N, k) + PackChunks(kernels, second.N, k));
        team.Run(&RowsChunk<TPrologue, TEpilogue>, Unsafe.AsPointer(ref call), blocks);
    }

    private static int RowBlock(int rows)
    {
        var blocks = Math.Min(MostRowBlocks, 2 * ((rows + 2 * RowsOfBlock - 1) / (2 * RowsOfBlock)));
        return (rows + blocks - 1) / blocks;
    }

    // Whole cache lines, so that what follows is aligned.
    private static long Missing(in RowProduct product, int rows) => product.Y != null ? 0 : ((long)rows * product.N + 15) / 16 * 16;

    private static void Whole<TPrologue, TEpilogue>(ref RowsCall<TPrologue, TEpilogue> call, in RowProduct product, float* memory, ElementFormat arithmetic)
        where TPrologue : struct, IRowPrologue
        where TEpilogue : struct, IRowEpilogue =>
        Run(call.Team, call.X, product.W, product.Y != null ? product.Y : memory, product.N, call.Rows, product.N, call.K, product.Accumulate, arithmetic);

    private static void PrologueChunk<TPrologue, TEpilogue>(void* arguments, int chunk, int worker)
        where TPrologue : struct, IRowPrologue
        where TEpilogue : struct, IRowEpilogue
    {
        ref var call = ref Unsafe.AsRef<RowsCall<TPrologue, TEpilogue>>(arguments);
        call.Prologue.Apply(chunk * call.Grain, Math.Min((chunk + 1) * call.Grain, call.Rows), call.IsMade ? call.X.Data : null);
    }

    private static void EpilogueChunk<TPrologue, TEpilogue>(void* arguments, int chunk, int worker)
        where TPrologue : struct, IRowPrologue
        where TEpilogue : struct, IRowEpilogue
    {
        ref var call = ref Unsafe.AsRef<RowsCall<TPrologue, TEpilogue>>(arguments);
        var row = chunk * call.RowBlock;
        call.Epilogue.Apply(
            row, Math.Min(row + call.RowBlock, call.Rows), chunk, call.First.Y != null ? call.First.Y : call.FirstMemory,
            call.Second.Y != null || call.Second.N == 0 ? call.Second.Y : call.SecondMemory);
    }

    private static int PackChunks(MicroKernels kernels, int n, int k)
    {
        var width = PanelsOfChunk * kernels.TileColumns;
        return (n + width - 1) / width * GemmBlock.DepthBlocks(kernels, k);
    }

    private static void PackChunk<TPrologue, TEpilogue>(void* arguments, int chunk, int worker)
        where TPrologue : struct, IRowPrologue
        where TEpilogue : struct, IRowEpilogue
    {
        ref var call = ref Unsafe.AsRef<RowsCall<TPrologue, TEpilogue>>(arguments);
        var kernels = call.Kernels;
        var before = PackChunks(kernels, call.First.N, call.K);
        if (chunk < before)
        {
            PackChunk(call.Team, kernels, call.First.W, call.First.N, call.K, call.FirstMemory, chunk, worker);
        }
        else
        {
            PackChunk(call.Team, kernels, call.Second.W, call.Second.N, call.K, call.SecondMemory, chunk - before, worker);
        }
    }

    private static void PackChunk(Team team, MicroKernels kernels, in Matrix b, int n, int k, float* packed, int chunk, int worker)
    {
        var (block, part) = Math.DivRem(chunk, PackChunks(kernels, n, k) / GemmBlock.DepthBlocks(kernels, k));
        var column = part * PanelsOfChunk * kernels.TileColumns;
        GemmBlock.PackPanels(
            kernels, b, n, k, block, column, Math.Min(PanelsOfChunk * kernels.TileColumns, n - column), packed,
            team.Scratch(worker, GemmBlock.RowsScratchBytes(kernels, 0, k)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RowsChunk<TPrologue, TEpilogue>(void* arguments, int chunk, int worker)
        where TPrologue : struct, IRowPrologue
        where TEpilogue : struct, IRowEpilogue
    {
        ref var call = ref Unsafe.AsRef<RowsCall<TPrologue, TEpilogue>>(arguments);
        var kernels = call.Kernels;
        var row = chunk * call.RowBlock;
        var m = Math.Min(call.RowBlock, call.Rows - row);

        // Rows that a prologue makes cannot be fetched before.
        var next = Math.Min(call.Rows, row + call.Team.Threads * call.RowBlock);
        var followingRows = typeof(TPrologue) == typeof(NoPrologue) ? call.Rows - next : 0;
        var following = followingRows > 0 ? call.X.At(next, 0) : default;
        long one = Missing(call.First, m), other = Missing(call.Second, m);

        // Rows of the left operand are made so many at a time that they are still in the second-level cache when they are packed.
        var step = typeof(TPrologue) == typeof(NoPrologue) ? m : Math.Min(m, GemmBlock.RowsAtOnce);
        var made = call.IsMade ? ((long)step * call.K + 15) / 16 * 16 : 0;
        var memory = (float*)call.Team.Scratch(worker, (one + other + made) * sizeof(float) + GemmBlock.RowsScratchBytes(kernels, m, call.K));
        var first = call.First.Y != null ? call.First.Y : memory - (long)row * call.First.N;
        var second = call.Second.Y != null || call.Second.N == 0 ? call.Second.Y : memory + one - (long)row * call.Second.N;
        for (var (i, from) = (0, row); i < m; i += step, from += step)
        {
            var part = Math.Min(step, m - i);
            var left = call.IsMade ? memory + one + other : null;
            call.Prologue.Apply(from, from + part, call.IsMade ? left - (long)from * call.K : null);
            GemmBlock.RunRows(
                kernels, call.IsMade ? Matrix.RowMajor(left, call.K) : call.X.At(from, 0),
                new(call.FirstMemory, first + (long)from * call.First.N, call.First.N, call.First.N, call.First.Accumulate),
                new(call.SecondMemory, second + (long)from * call.Second.N, call.Second.N, call.Second.N, call.Second.Accumulate),
                part, call.K, following, followingRows, memory + one + other + made);
        }

        call.Epilogue.Apply(row, row + m, chunk, first, second);
    }

    private struct RowsCall<TPrologue, TEpilogue>
        where TPrologue : struct, IRowPrologue
        where TEpilogue : struct, IRowEpilogue
    {
        public Team Team;
        public MicroKernels Kernels;
        public Matrix X;
        public RowProduct First;
        public RowProduct Second;
        public float* FirstMemory;
        public float* SecondMemory;
        public int Rows;
        public int RowBlock;
        public int K;
        public bool IsMade;
        public long Grain;
        public TPrologue Prologue;
        public TEpilogue Epilogue;
    }
}
