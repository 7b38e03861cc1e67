using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Products of single-precision matrices. Any strides, any sizes including 0; results do not depend on the number of threads; nothing is
/// allocated on the managed heap. The product must not overlap the operands.
/// </summary>
public static unsafe partial class Gemm
{
    /// <summary>c[m,n] = a[m,k] b[k,n], or c += a b; rows of c are contiguous and ldc floats apart.</summary>
    public static void Run(Team team, Matrix a, Matrix b, float* c, long ldc, int m, int n, int k, bool accumulate,
        ElementFormat arithmetic = ElementFormat.Single) =>
        Run(team, a, b, c, ldc, m, n, k, accumulate, default(NoEpilogue), arithmetic);

    /// <summary>As the plain form, with an epilogue on finished tiles.</summary>
    public static void Run<TEpilogue>(
        Team team, Matrix a, Matrix b, float* c, long ldc, int m, int n, int k, bool accumulate, TEpilogue epilogue,
        ElementFormat arithmetic = ElementFormat.Single)
        where TEpilogue : struct, ITileEpilogue =>
        Batched(team, a, 0, b, 0, c, ldc, 0, 1, m, n, k, accumulate, epilogue, arithmetic);

    /// <summary>
    /// c[i] = a[i] b[i], or c[i] += a[i] b[i], for each batch i. The operands of batch i begin i * aBatch, i * bBatch and i * cBatch floats
    /// after the given ones (a list of rows is the same for all batches); a stride of 0 shares an operand.
    /// </summary>
    public static void Batched(
        Team team, Matrix a, long aBatch, Matrix b, long bBatch, float* c, long ldc, long cBatch, int batches, int m, int n, int k, bool accumulate,
        ElementFormat arithmetic = ElementFormat.Single) =>
        Batched(team, a, aBatch, b, bBatch, c, ldc, cBatch, batches, m, n, k, accumulate, default(NoEpilogue), arithmetic);

    /// <summary>As the plain form, with an epilogue on finished tiles; its rows are counted through all batches.</summary>
    public static void Batched<TEpilogue>(
        Team team, Matrix a, long aBatch, Matrix b, long bBatch, float* c, long ldc, long cBatch, int batches, int m, int n, int k, bool accumulate,
        TEpilogue epilogue,
        ElementFormat arithmetic = ElementFormat.Single)
        where TEpilogue : struct, ITileEpilogue
    {
        if (batches <= 0 || m <= 0 || n <= 0)
        {
            return;
        }

        if (batches == 1 && IsRounded(team, arithmetic, m, LeastByteRows) && ByteBlocks.Fits(a, b, k))
        {
            Rounded(team, a, b, c, ldc, m, n, k, accumulate, epilogue);
            return;
        }

        if (batches == 1 && m <= BlockDots.MostRows && IsFew(team, arithmetic, a, b, k))
        {
            Few(team, a, b, c, ldc, m, n, k, accumulate, epilogue);
            return;
        }

        var kernels = FloatKernels(team, arithmetic);
        if (batches == 1 && Shares(kernels, team.Threads, m, n, k))
        {
            Shared(team, kernels, a, b, c, ldc, m, n, k, accumulate, epilogue);
            return;
        }

        var plan = GemmPlan.Create(kernels, team.Threads, batches, m, n, k);
        if (plan.Chunks > 1 && m <= Dots.MostRows && b.RowStride == 1 && b.ColumnStride != 1 && b.Rows == null)
        {
            plan = GemmPlan.ForColumns(kernels, team.Threads, m, n, Weight.Bytes(b.Format, b.ColumnStride));
        }

        var call = new BatchedCall<TEpilogue>
        {
            Team = team,
            Kernels = kernels,
            Plan = plan,
            A = a,
            B = b,
            C = c,
            ABatch = aBatch,
            BBatch = bBatch,
            CBatch = cBatch,
            Ldc = ldc,
            M = m,
            N = n,
            K = k,
            Accumulate = accumulate,
            Epilogue = epilogue,
        };
        team.Run(&BatchedChunk<TEpilogue>, Unsafe.AsPointer(ref call), checked(batches * plan.Chunks));
    }

    private static MicroKernels FloatKernels(Team team, ElementFormat arithmetic) => arithmetic == ElementFormat.SByte
        ? throw new ArgumentException("Products of bytes have integer results.", nameof(arithmetic))
        : team.KernelsFor(Unrounded(arithmetic))!;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BatchedChunk<TEpilogue>(void* arguments, int chunk, int worker)
        where TEpilogue : struct, ITileEpilogue
    {
        ref var call = ref Unsafe.AsRef<BatchedCall<TEpilogue>>(arguments);
        var (batch, part) = Math.DivRem(chunk, call.Plan.Chunks);
        var (rowChunk, columnChunk) = Math.DivRem(part, call.Plan.ColumnBlocks);
        var row = rowChunk * call.Plan.RowBlock;
        var column = columnChunk * call.Plan.ColumnBlock;
        var m = Math.Min(call.Plan.RowBlock, call.M - row);
        var n = Math.Min(call.Plan.ColumnBlock, call.N - column);
        var kernels = call.Kernels;
        var scratch = call.Team.Scratch(worker, GemmBlock.ScratchBytes(kernels, m, n, call.K));
        GemmBlock.Run(
            kernels,
            call.A.Shifted(batch * call.ABatch).At(row, 0),
            false,
            call.B.Shifted(batch * call.BBatch).At(0, column),
            call.C + batch * call.CBatch + row * call.Ldc + column,
            call.Ldc, m, n, call.K, 1, call.Accumulate, scratch, ref call.Epilogue, batch * call.M + row, column, call.M);
    }

    // Lives on the stack of the launching thread while the launch runs; the collector sees and updates the reference to the team there.
    private struct BatchedCall<TEpilogue>
    {
        public Team Team;
        public MicroKernels Kernels;
        public GemmPlan Plan;
        public Matrix A;
        public Matrix B;
        public float* C;
        public long ABatch;
        public long BBatch;
        public long CBatch;
        public long Ldc;
        public int M;
        public int N;
        public int K;
        public bool Accumulate;
        public TEpilogue Epilogue;
    }
}
