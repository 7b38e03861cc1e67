using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Gemm
{
    // Elements of a chunk: enough to outweigh handing it out, few enough that the threads read side by side and end together.
    private const long LeastDotsOfChunk = 64 << 10;
    private const long MostDotsOfChunk = 512 << 10;
    private const int ChunksOfThread = 8;

    private static bool IsFew(Team team, ElementFormat arithmetic, in Matrix a, in Matrix b, int k) =>
        arithmetic == ElementFormat.Int8Blocks && team.ByteBlocks is not null && ByteDots.Fits(a, b, k);

    // Whole vectors, and whole groups of columns.
    private static int ColumnsOfChunk(Team team, long columns, int k)
    {
        var elements = Math.Clamp(columns * k / (ChunksOfThread * team.Threads), LeastDotsOfChunk, MostDotsOfChunk);
        return (int)((elements / k + 15) / 16 * 16);
    }

    /// <summary>The product of few rows.</summary>
    private static void Few<TEpilogue>(Team team, in Matrix a, in Matrix b, float* c, long ldc, int m, int n, int k, bool accumulate, TEpilogue epilogue)
        where TEpilogue : struct, ITileEpilogue
    {
        using var hold = team.Hold();
        var call = new FewCall<TEpilogue>
        {
            Team = team,
            A = a,
            B = b,
            C = c,
            Ldc = ldc,
            Rounded = (byte*)team.PackedScratch(ByteDots.Bytes(m, k)),
            M = m,
            N = n,
            K = k,
            Columns = ColumnsOfChunk(team, n, k),
            Accumulate = accumulate,
            Epilogue = epilogue,
        };
        team.Run(&RoundRow<TEpilogue>, Unsafe.AsPointer(ref call), m);
        team.Run(&FewChunk<TEpilogue>, Unsafe.AsPointer(ref call), (n + call.Columns - 1) / call.Columns);
    }

    private static void RoundRow<TEpilogue>(void* arguments, int row, int worker)
        where TEpilogue : struct, ITileEpilogue
    {
        ref var call = ref Unsafe.AsRef<FewCall<TEpilogue>>(arguments);
        ByteDots.Round(call.A.At(row, 0), 1, call.K, call.B.Format, call.Rounded + ByteDots.Bytes(row, call.K));
    }

    private static void FewChunk<TEpilogue>(void* arguments, int chunk, int worker)
        where TEpilogue : struct, ITileEpilogue
    {
        ref var call = ref Unsafe.AsRef<FewCall<TEpilogue>>(arguments);
        var column = chunk * call.Columns;
        var columns = Math.Min(call.Columns, call.N - column);
        var c = call.C + column;
        ByteDots.Run(call.Team.ByteBlocks!, call.Rounded, call.M, call.B, column, columns, call.K, c, call.Ldc, call.Accumulate);
        call.Epilogue.Apply(c, call.Ldc, 0, column, call.M, columns);
    }

    /// <summary>
    /// The products of the few rows of all experts, and of a second matrix of each if there is one: the columns of one matrix after the other, so that all threads read
    /// the same one.
    /// </summary>
    private static void FewOfExperts<TEpilogue>(
        Team team, in Matrix x, Weight w, Weight wSecond, int* offsets, int experts, float* c, float* cSecond, int n, int k, bool accumulate, TEpilogue epilogue)
        where TEpilogue : struct, ITileEpilogue
    {
        using var hold = team.Hold();
        var (rows, working) = (offsets[experts], 0);
        for (var e = 0; e < experts; e++)
        {
            working += offsets[e + 1] > offsets[e] ? 1 : 0;
        }

        var products = wSecond.IsNull ? 1 : 2;
        var call = new FewCall<TEpilogue>
        {
            Team = team,
            A = x,
            B = Matrix.Transposed(w, k),
            BSecond = Matrix.Transposed(wSecond, k),
            C = c,
            CSecond = cSecond,
            Ldc = n,
            Offsets = offsets,
            Rounded = (byte*)team.PackedScratch(ByteDots.Bytes(rows, k)),
            N = n,
            K = k,
            Columns = Math.Min(n, ColumnsOfChunk(team, (long)working * products * n, k)),
            Accumulate = accumulate,
            Epilogue = epilogue,
        };
        call.ChunksOfProduct = (n + call.Columns - 1) / call.Columns;
        call.ChunksOfExpert = call.ChunksOfProduct * products;
        team.Run(&RoundRow<TEpilogue>, Unsafe.AsPointer(ref call), rows);
        team.Run(&FewOfExpertChunk<TEpilogue>, Unsafe.AsPointer(ref call), working * call.ChunksOfExpert);
    }

    private static void FewOfExpertChunk<TEpilogue>(void* arguments, int chunk, int worker)
        where TEpilogue : struct, ITileEpilogue
    {
        ref var call = ref Unsafe.AsRef<FewCall<TEpilogue>>(arguments);
        var e = 0;
        for (; call.Offsets[e + 1] == call.Offsets[e] || chunk >= call.ChunksOfExpert; e++)
        {
            chunk -= call.Offsets[e + 1] == call.Offsets[e] ? 0 : call.ChunksOfExpert;
        }

        var isSecond = chunk >= call.ChunksOfProduct;
        var column = (isSecond ? chunk - call.ChunksOfProduct : chunk) * call.Columns;
        var (row, columns) = (call.Offsets[e], Math.Min(call.Columns, call.N - column));
        var m = call.Offsets[e + 1] - row;
        var b = (isSecond ? call.BSecond : call.B).Shifted((long)e * call.N * call.K);
        var c = (isSecond ? call.CSecond : call.C) + (row * call.Ldc) + column;
        ByteDots.Run(
            call.Team.ByteBlocks!, call.Rounded + ByteDots.Bytes(row, call.K), m, b, column, columns, call.K, c, call.Ldc, call.Accumulate);
        call.Epilogue.Apply(c, call.Ldc, row, column, m, columns);
    }

    private struct FewCall<TEpilogue>
    {
        public Team Team;
        public Matrix A;
        public Matrix B;
        public Matrix BSecond;
        public float* C;
        public float* CSecond;
        public long Ldc;
        public int* Offsets;
        public byte* Rounded;
        public int M;
        public int N;
        public int K;
        public int Columns;
        public int ChunksOfProduct;
        public int ChunksOfExpert;
        public bool Accumulate;
        public TEpilogue Epilogue;
    }
}
