using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Gemm
{
    private const int RowsPerSumChunk = 16;

    /// <summary>
    /// c[m,n] = a[m,k] b[k,n] for operands of signed bytes and a product of 32-bit integers, exact while it fits (k up to 131,071 always does); rows
    /// of c are contiguous and ldc integers apart.
    /// </summary>
    /// <exception cref="ArgumentException">An operand is of another format, or neither its rows nor its columns are contiguous.</exception>
    public static void RunBytes(Team team, Matrix a, Matrix b, int* c, long ldc, int m, int n, int k)
    {
        if (a.Format != ElementFormat.SByte || b.Format != ElementFormat.SByte)
        {
            throw new ArgumentException($"Operands of signed bytes are expected, not {a.Format} and {b.Format}.");
        }

        if (m <= 0 || n <= 0)
        {
            return;
        }

        var start = new BytesCall { Team = team, A = a, B = b, C = c, Ldc = ldc, M = m, N = n, K = k };
        if (team.KernelsFor(ElementFormat.SByte) is not { } kernels)
        {
            team.Run(&PlainChunk, Unsafe.AsPointer(ref start), m);
            return;
        }

        // The kernels multiply by the elements of b plus 128: what that adds is taken off before.
        team.Run(&RowSumChunk, Unsafe.AsPointer(ref start), (m + RowsPerSumChunk - 1) / RowsPerSumChunk);
        var plan = GemmPlan.Create(kernels, team.Threads, 1, m, n, k);
        var call = new BatchedCall<NoEpilogue>
        {
            Team = team,
            Kernels = kernels,
            Plan = plan,
            A = a,
            B = b,
            C = (float*)c,
            Ldc = ldc,
            M = m,
            N = n,
            K = k,
            Accumulate = true,
        };
        team.Run(&BatchedChunk<NoEpilogue>, Unsafe.AsPointer(ref call), plan.Chunks);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RowSumChunk(void* arguments, int chunk, int worker)
    {
        ref var call = ref Unsafe.AsRef<BytesCall>(arguments);
        var first = chunk * RowsPerSumChunk;
        var rows = Math.Min(call.M - first, RowsPerSumChunk);
        var sums = stackalloc int[RowsPerSumChunk];
        if (rows == RowsPerSumChunk && call.A.RowStride == 1 && call.A.Rows == null)
        {
            SumOfColumns(call.A.At(first, 0), call.K).Store(sums);
        }
        else
        {
            for (var i = 0; i < rows; i++)
            {
                sums[i] = SumOfRow((sbyte*)call.A.Row(first + i), call.A.ColumnStride, call.K);
            }
        }

        for (var i = 0; i < rows; i++)
        {
            new Span<int>(call.C + (first + i) * call.Ldc, call.N).Fill(-128 * sums[i]);
        }
    }

    // The sums of sixteen rows whose elements lie side by side.
    private static Vector512<int> SumOfColumns(in Matrix a, int k)
    {
        var sum = Vector512<int>.Zero;
        var column = (sbyte*)a.Data;
        for (var j = 0; j < k; j++)
        {
            var (low, high) = Vector128.Widen(Vector128.Load(column));
            sum += Vector512.Create(Vector256.WidenLower(low.ToVector256Unsafe()), Vector256.WidenLower(high.ToVector256Unsafe()));
            column += a.ColumnStride;
        }

        return sum;
    }

    private static int SumOfRow(sbyte* row, long step, int k)
    {
        var sum = 0;
        var j = 0;
        if (step == 1)
        {
            var sums = Vector256<int>.Zero;
            for (; j + 16 <= k; j += 16)
            {
                var (low, high) = Vector128.Widen(Vector128.Load(row + j));
                sums += Vector256.WidenLower((low + high).ToVector256Unsafe());
            }

            sum = Vector256.Sum(sums);
        }

        for (; j < k; j++)
        {
            sum += row[j * step];
        }

        return sum;
    }

    // For processors without byte products.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PlainChunk(void* arguments, int chunk, int worker)
    {
        ref var call = ref Unsafe.AsRef<BytesCall>(arguments);
        var row = (sbyte*)call.A.Row(chunk);
        var c = call.C + chunk * call.Ldc;
        new Span<int>(c, call.N).Clear();
        for (var i = 0; i < call.K; i++)
        {
            int factor = row[i * call.A.ColumnStride];
            var b = (sbyte*)call.B.Row(i);
            for (var j = 0; j < call.N; j++)
            {
                c[j] += factor * b[j * call.B.ColumnStride];
            }
        }
    }

    private struct BytesCall
    {
        public Team Team;
        public Matrix A;
        public Matrix B;
        public int* C;
        public long Ldc;
        public int M;
        public int N;
        public int K;
    }
}
