using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// As <see cref="Dots"/>, with a matrix of bfloat16. A vector of 32 of them is taken as 16 pairs: the even elements are its lanes shifted up, the odd
/// ones its lanes without their lower halves, so nothing has to be brought into order but the few rows of the left operand.
/// </summary>
internal static unsafe class PairDots
{
    private const int Group = 4;
    private const int Step = 32;

    /// <summary>Bytes of scratch memory for this many elements along the contraction.</summary>
    public static long ScratchBytes(int k) => (k + Step) * (long)Dots.MostRows * sizeof(float);

    /// <summary>c[m,n] (+)= alpha * a[m,k] b[k,n]; rows of a and columns of b are contiguous.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in Matrix a, in Matrix b, float* c, long ldc, int m, int n, int k, float alpha, bool accumulate, void* scratch)
    {
        var sums = stackalloc float[Group];
        var halves = (float*)scratch;
        var paired = k / Step * Step;
        for (var i = 0; i < m; i++)
        {
            Split(a.Row(i), paired, halves + i * (long)paired);
        }

        for (var j = 0; j < n; j += Group)
        {
            // Columns that do not exist repeat the last one.
            var columns = Math.Min(Group, n - j);
            var b0 = (ushort*)b.Data + j * b.ColumnStride;
            var b1 = b0 + (columns > 1 ? b.ColumnStride : 0);
            var b2 = b1 + (columns > 2 ? b.ColumnStride : 0);
            var b3 = b2 + (columns > 3 ? b.ColumnStride : 0);
            for (var i = 0; i < m; i++)
            {
                Four(halves + i * (long)paired, b0, b1, b2, b3, paired, i == 0 ? Group * b.ColumnStride : 0, sums);
                var row = a.Row(i);
                var target = c + i * ldc + j;
                for (var q = 0; q < columns; q++)
                {
                    var column = (ushort*)b.Data + (j + q) * b.ColumnStride;
                    for (var l = paired; l < k; l++)
                    {
                        sums[q] += row[l] * BFloat16.Widen(column[l]);
                    }

                    target[q] = alpha * sums[q] + (accumulate ? target[q] : 0);
                }
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

    // Columns are often just as long as a page, where the hardware's prefetching stops: the next columns are fetched by hand.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(float* halves, ushort* b0, ushort* b1, ushort* b2, ushort* b3, int count, long ahead, float* sums)
    {
        Vector512<float> even0 = default, even1 = default, even2 = default, even3 = default;
        Vector512<float> odd0 = default, odd1 = default, odd2 = default, odd3 = default;
        var upper = Vector512.Create(0xFFFF0000u);
        for (var i = 0; i < count; i += Step)
        {
            if (Sse.IsSupported && ahead > 0)
            {
                Sse.Prefetch0(b0 + i + ahead);
                Sse.Prefetch0(b1 + i + ahead);
                Sse.Prefetch0(b2 + i + ahead);
                Sse.Prefetch0(b3 + i + ahead);
            }

            var x = Vector512.Load(halves + i);
            var y = Vector512.Load(halves + i + Step / 2);
            var p0 = Vector512.Load((uint*)(b0 + i));
            even0 = Vector512.FusedMultiplyAdd(x, Vector512.ShiftLeft(p0, 16).AsSingle(), even0);
            odd0 = Vector512.FusedMultiplyAdd(y, (p0 & upper).AsSingle(), odd0);
            var p1 = Vector512.Load((uint*)(b1 + i));
            even1 = Vector512.FusedMultiplyAdd(x, Vector512.ShiftLeft(p1, 16).AsSingle(), even1);
            odd1 = Vector512.FusedMultiplyAdd(y, (p1 & upper).AsSingle(), odd1);
            var p2 = Vector512.Load((uint*)(b2 + i));
            even2 = Vector512.FusedMultiplyAdd(x, Vector512.ShiftLeft(p2, 16).AsSingle(), even2);
            odd2 = Vector512.FusedMultiplyAdd(y, (p2 & upper).AsSingle(), odd2);
            var p3 = Vector512.Load((uint*)(b3 + i));
            even3 = Vector512.FusedMultiplyAdd(x, Vector512.ShiftLeft(p3, 16).AsSingle(), even3);
            odd3 = Vector512.FusedMultiplyAdd(y, (p3 & upper).AsSingle(), odd3);
        }

        sums[0] = Vector512.Sum(even0 + odd0);
        sums[1] = Vector512.Sum(even1 + odd1);
        sums[2] = Vector512.Sum(even2 + odd2);
        sums[3] = Vector512.Sum(even3 + odd3);
    }
}
