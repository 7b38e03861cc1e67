using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// As <see cref="Dots"/>, with a matrix of bfloat16. A vector of 32 of them is taken as 16 pairs: the even elements are its lanes shifted up, the odd
/// ones its lanes without their lower halves, so nothing has to be brought into order but the few rows of the left operand.
/// </summary>
/// <remarks>
/// Columns are read one after the other, so that a thread reads memory from one end to the other: the hardware fetches one such stream ahead, also past the
/// end of a column and of a page, but loses its way where four columns are read side by side, even with fetches by hand.
/// </remarks>
internal static unsafe class PairDots
{
    private const int Step = 32;

    /// <summary>Bytes of scratch memory for this many elements along the contraction.</summary>
    public static long ScratchBytes(int k) => (k + Step) * (long)Dots.MostRows * sizeof(float);

    /// <summary>c[m,n] (+)= alpha * a[m,k] b[k,n]; rows of a and columns of b are contiguous.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in Matrix a, in Matrix b, float* c, long ldc, int m, int n, int k, float alpha, bool accumulate, void* scratch)
    {
        var halves = (float*)scratch;
        var paired = k / Step * Step;
        for (var i = 0; i < m; i++)
        {
            Split(a.Row(i), paired, halves + i * (long)paired);
        }

        for (var j = 0; j < n; j++)
        {
            var column = (ushort*)b.Data + j * b.ColumnStride;
            var i = 0;
            for (; i + 2 <= m; i += 2)
            {
                var (first, second) = Two(halves + i * (long)paired, halves + (i + 1L) * paired, column, paired);
                Finish(first, a.Row(i), column, c + i * ldc + j, paired, k, alpha, accumulate);
                Finish(second, a.Row(i + 1), column, c + (i + 1) * ldc + j, paired, k, alpha, accumulate);
            }

            if (i < m)
            {
                Finish(One(halves + i * (long)paired, column, paired), a.Row(i), column, c + i * ldc + j, paired, k, alpha, accumulate);
            }
        }
    }

    // Of each 32 elements first the even, then the odd ones.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Split(float* row, int count, float* halves)
    {
        for (var i = 0; i < count; i += Step)
        {
            for (var l = 0; l < Step / 2; l++)
            {
                halves[i + l] = row[i + 2 * l];
                halves[i + Step / 2 + l] = row[i + 2 * l + 1];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float One(float* halves, ushort* column, int count)
    {
        Vector512<float> even = default, odd = default;
        var upper = Vector512.Create(0xFFFF0000u);
        for (var i = 0; i < count; i += Step)
        {
            var pairs = Vector512.Load((uint*)(column + i));
            even = Vector512.FusedMultiplyAdd(Vector512.Load(halves + i), Vector512.ShiftLeft(pairs, 16).AsSingle(), even);
            odd = Vector512.FusedMultiplyAdd(Vector512.Load(halves + i + Step / 2), (pairs & upper).AsSingle(), odd);
        }

        return Vector512.Sum(even + odd);
    }

    // Two rows, each with the additions of a single one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (float First, float Second) Two(float* first, float* second, ushort* column, int count)
    {
        Vector512<float> even0 = default, odd0 = default, even1 = default, odd1 = default;
        var upper = Vector512.Create(0xFFFF0000u);
        for (var i = 0; i < count; i += Step)
        {
            var pairs = Vector512.Load((uint*)(column + i));
            var even = Vector512.ShiftLeft(pairs, 16).AsSingle();
            var odd = (pairs & upper).AsSingle();
            even0 = Vector512.FusedMultiplyAdd(Vector512.Load(first + i), even, even0);
            odd0 = Vector512.FusedMultiplyAdd(Vector512.Load(first + i + Step / 2), odd, odd0);
            even1 = Vector512.FusedMultiplyAdd(Vector512.Load(second + i), even, even1);
            odd1 = Vector512.FusedMultiplyAdd(Vector512.Load(second + i + Step / 2), odd, odd1);
        }

        return (Vector512.Sum(even0 + odd0), Vector512.Sum(even1 + odd1));
    }

    // Adds the elements that fill no vector.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(float sum, float* row, ushort* column, float* target, int paired, int k, float alpha, bool accumulate)
    {
        for (var l = paired; l < k; l++)
        {
            sum += row[l] * BFloat16.Widen(column[l]);
        }

        *target = alpha * sum + (accumulate ? *target : 0);
    }
}
