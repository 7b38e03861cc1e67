using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Gemm
{
    /// <summary>
    /// The weight gradients of experts: c[e][p,q] is the transpose of the expert's rows of a[rows,p] times its rows of b[rows,q]. Experts without
    /// rows get zeros. The rows of a and of b may be gathered.
    /// </summary>
    public static void GroupedOuter(Team team, Matrix a, Matrix b, int* offsets, int experts, float* c, int p, int q,
        ElementFormat arithmetic = ElementFormat.Single) =>
        GroupedOuter(team, a, b, offsets, experts, c, p, q, default(NoEpilogue), arithmetic);

    /// <summary>As the plain form, with an epilogue on finished tiles; its rows are counted through all experts.</summary>
    public static void GroupedOuter<TEpilogue>(
        Team team, Matrix a, Matrix b, int* offsets, int experts, float* c, int p, int q, TEpilogue epilogue,
        ElementFormat arithmetic = ElementFormat.Single)
        where TEpilogue : struct, ITileEpilogue
    {
        if (experts <= 0 || p <= 0 || q <= 0)
        {
            return;
        }

        var kernels = FloatKernels(team, arithmetic);
        var busy = BusyExperts(offsets, experts);
        var plan = GemmPlan.Create(kernels, team.Threads, busy, p, q, offsets[experts] / busy);
        var call = new OuterCall<TEpilogue>
        {
            Team = team,
            Kernels = kernels,
            Plan = plan,
            A = a,
            B = b,
            C = c,
            Offsets = offsets,
            P = p,
            Q = q,
            Bytes = (long)experts * p * q * sizeof(float),
            Epilogue = epilogue,
        };
        team.Run(&OuterChunk<TEpilogue>, Unsafe.AsPointer(ref call), checked(experts * plan.Chunks));
    }

    // How many experts of the size of the largest would have as many rows: the cut must feed all threads when one expert has most rows.
    private static int BusyExperts(int* offsets, int experts)
    {
        var most = 1;
        for (var e = 0; e < experts; e++)
        {
            most = Math.Max(most, offsets[e + 1] - offsets[e]);
        }

        return Math.Max(offsets[experts] / most, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OuterChunk<TEpilogue>(void* arguments, int chunk, int worker)
        where TEpilogue : struct, ITileEpilogue
    {
        ref var call = ref Unsafe.AsRef<OuterCall<TEpilogue>>(arguments);
        var (e, part) = Math.DivRem(chunk, call.Plan.Chunks);
        var (rowChunk, columnChunk) = Math.DivRem(part, call.Plan.ColumnBlocks);
        var row = rowChunk * call.Plan.RowBlock;
        var column = columnChunk * call.Plan.ColumnBlock;
        var m = Math.Min(call.Plan.RowBlock, call.P - row);
        var n = Math.Min(call.Plan.ColumnBlock, call.Q - column);
        var first = call.Offsets[e];
        var k = call.Offsets[e + 1] - first;
        var kernels = call.Kernels;
        var c = call.C + ((long)e * call.P + row) * call.Q + column;
        if (GemmBlock.IsWrittenThrough(kernels, c, call.Q, k, call.Bytes))
        {
            GemmBlock.RunOuter(
                kernels, call.A.At(first, row), call.B.At(first, column), c, call.Q, m, n, k,
                call.Team.Scratch(worker, GemmBlock.OuterScratchBytes(kernels, m, k)), ref call.Epilogue, e * call.P + row, column);
            return;
        }

        var scratch = call.Team.Scratch(worker, GemmBlock.ScratchBytes(kernels, m, n, k));
        GemmBlock.Run(
            kernels, call.A.At(first, row), true, call.B.At(first, column), c, call.Q,
            m, n, k, 1, false, scratch, ref call.Epilogue, e * call.P + row, column, call.P);
    }

    private struct OuterCall<TEpilogue>
    {
        public Team Team;
        public MicroKernels Kernels;
        public GemmPlan Plan;
        public Matrix A;
        public Matrix B;
        public float* C;
        public int* Offsets;
        public int P;
        public int Q;
        public long Bytes;
        public TEpilogue Epilogue;
    }
}
