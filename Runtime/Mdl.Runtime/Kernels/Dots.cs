using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Products of few rows with a matrix whose columns are contiguous, as decoding needs them: reading the matrix once is all the work, and
/// bringing it into panels first would cost several times as much.
/// </summary>
internal static unsafe class Dots
{
    /// <summary>Products with more rows than this are computed in tiles.</summary>
    public const int MostRows = 4;

    private const int Group = 4;

    // Columns are often shorter than a page, where the hardware's prefetching stops: so many bytes ahead at least are fetched by hand, which is what memory
    // delivers while a line is on its way.
    private const long FarAhead = 6144;

    /// <summary>c[m,n] (+)= alpha * a[m,k] b[k,n]; rows of a and columns of b are contiguous.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in Matrix a, in Matrix b, float* c, long ldc, int m, int n, int k, float alpha, bool accumulate)
    {
        var sums = stackalloc float[2 * Group];
        var group = Math.Max(Group * b.ColumnStride, 1);
        var ahead = ((FarAhead / sizeof(float)) + group - 1) / group * group;
        for (var j = 0; j < n; j += Group)
        {
            // Columns that do not exist repeat the last one.
            var columns = Math.Min(Group, n - j);
            var b0 = b.Data + j * b.ColumnStride;
            var b1 = b0 + (columns > 1 ? b.ColumnStride : 0);
            var b2 = b1 + (columns > 2 ? b.ColumnStride : 0);
            var b3 = b2 + (columns > 3 ? b.ColumnStride : 0);
            for (var i = 0; i < m; i += 2)
            {
                // Two rows read the columns once.
                var rows = Math.Min(2, m - i);
                if (rows == 2)
                {
                    FourOfTwo(a.Row(i), a.Row(i + 1), b0, b1, b2, b3, ahead, k, sums);
                }
                else
                {
                    Four(a.Row(i), b0, b1, b2, b3, ahead, k, sums);
                }

                for (var r = 0; r < rows; r++)
                {
                    var target = c + (i + r) * ldc + j;
                    for (var q = 0; q < columns; q++)
                    {
                        target[q] = alpha * sums[r * Group + q] + (accumulate ? target[q] : 0);
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(float* a, float* b0, float* b1, float* b2, float* b3, long ahead, int k, float* sums)
    {
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default;
        var i = 0;
        for (; i + 16 <= k; i += 16)
        {
            Fetch(b0 + i + ahead, b1 + i + ahead, b2 + i + ahead, b3 + i + ahead);
            var x = Vector512.Load(a + i);
            s0 = Vector512.MultiplyAddEstimate(x, Vector512.Load(b0 + i), s0);
            s1 = Vector512.MultiplyAddEstimate(x, Vector512.Load(b1 + i), s1);
            s2 = Vector512.MultiplyAddEstimate(x, Vector512.Load(b2 + i), s2);
            s3 = Vector512.MultiplyAddEstimate(x, Vector512.Load(b3 + i), s3);
        }

        Finish(a, b0, b1, b2, b3, i, k, Vector512.Sum(s0), Vector512.Sum(s1), Vector512.Sum(s2), Vector512.Sum(s3), sums);
    }

    // Each row with the additions that it has alone.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourOfTwo(float* a, float* other, float* b0, float* b1, float* b2, float* b3, long ahead, int k, float* sums)
    {
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default, t0 = default, t1 = default, t2 = default, t3 = default;
        var i = 0;
        for (; i + 16 <= k; i += 16)
        {
            Fetch(b0 + i + ahead, b1 + i + ahead, b2 + i + ahead, b3 + i + ahead);
            var x = Vector512.Load(a + i);
            var y = Vector512.Load(other + i);
            var column = Vector512.Load(b0 + i);
            s0 = Vector512.MultiplyAddEstimate(x, column, s0);
            t0 = Vector512.MultiplyAddEstimate(y, column, t0);
            column = Vector512.Load(b1 + i);
            s1 = Vector512.MultiplyAddEstimate(x, column, s1);
            t1 = Vector512.MultiplyAddEstimate(y, column, t1);
            column = Vector512.Load(b2 + i);
            s2 = Vector512.MultiplyAddEstimate(x, column, s2);
            t2 = Vector512.MultiplyAddEstimate(y, column, t2);
            column = Vector512.Load(b3 + i);
            s3 = Vector512.MultiplyAddEstimate(x, column, s3);
            t3 = Vector512.MultiplyAddEstimate(y, column, t3);
        }

        Finish(a, b0, b1, b2, b3, i, k, Vector512.Sum(s0), Vector512.Sum(s1), Vector512.Sum(s2), Vector512.Sum(s3), sums);
        Finish(other, b0, b1, b2, b3, i, k, Vector512.Sum(t0), Vector512.Sum(t1), Vector512.Sum(t2), Vector512.Sum(t3), sums + Group);
    }

    // Addresses beyond the matrix do no harm.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(float* p0, float* p1, float* p2, float* p3)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch1(p0);
            Sse.Prefetch1(p1);
            Sse.Prefetch1(p2);
            Sse.Prefetch1(p3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(float* a, float* b0, float* b1, float* b2, float* b3, int i, int k, float t0, float t1, float t2, float t3, float* sums)
    {
        for (; i < k; i++)
        {
            t0 += a[i] * b0[i];
            t1 += a[i] * b1[i];
            t2 += a[i] * b2[i];
            t3 += a[i] * b3[i];
        }

        sums[0] = t0;
        sums[1] = t1;
        sums[2] = t2;
        sums[3] = t3;
    }
}
