using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>A block of any number of dimensions in three passes over its points: distances, weights, weighted differences.</summary>
internal readonly unsafe struct WideKernel<T> : IBlockKernel<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int Slack = 20;
    private const int Size = PointBlocks<T>.Size;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Add(T* block, T* weights, int dimensions, T* query, T scale, ref T reference, bool isFirst, Vector512<T>* sums, T* work)
    {
        var largest = -scale * Squares(block, dimensions, query, work);
        if (isFirst)
        {
            reference = largest;
        }
        else if (largest > reference + T.CreateTruncating(Slack))
        {
            var shrink = Vector512.Create(T.Exp2(reference - largest));
            for (var i = 0; i <= dimensions; i++)
            {
                sums[i] *= shrink;
            }

            reference = largest;
        }

        var factor = Vector512.Create(-scale);
        var shift = Vector512.Create(-reference);
        var sum = Vector512<T>.Zero;
        for (var i = 0; i < Size; i += Vector512<T>.Count)
        {
            var e = LaneMath.Exp2(LaneMath.MultiplyAdd(Vector512.Load(work + i), factor, shift));
            e.Store(work + i);
            sum += e;
        }

        sums[0] += sum;
        for (var j = 0; j < dimensions; j++)
        {
            var column = block + ((long)j * Size);
            var q = Vector512.Create(query[j]);
            Vector512<T> even = default, odd = default;
            for (var i = 0; i < Size; i += 2 * Vector512<T>.Count)
            {
                even = LaneMath.MultiplyAdd(Vector512.Load(work + i), Vector512.Load(column + i) - q, even);
                odd = LaneMath.MultiplyAdd(
                    Vector512.Load(work + i + Vector512<T>.Count), Vector512.Load(column + i + Vector512<T>.Count) - q, odd);
            }

            sums[j + 1] += even + odd;
        }

        return largest;
    }

    // Squared distances of all points; returns the smallest.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Squares(T* block, int dimensions, T* query, T* squares)
    {
        var lanes = Vector512<T>.Count;
        var nearest = Vector512.Create(T.CreateTruncating(float.MaxValue));
        for (var i = 0; i < Size; i += 4 * lanes)
        {
            Vector512<T> s0 = default, s1 = default, s2 = default, s3 = default;
            var at = block + i;
            for (var j = 0; j < dimensions; j++, at += Size)
            {
                var q = Vector512.Create(query[j]);
                var d0 = Vector512.Load(at) - q;
                var d1 = Vector512.Load(at + lanes) - q;
                var d2 = Vector512.Load(at + (2 * lanes)) - q;
                var d3 = Vector512.Load(at + (3 * lanes)) - q;
                s0 = LaneMath.MultiplyAdd(d0, d0, s0);
                s1 = LaneMath.MultiplyAdd(d1, d1, s1);
                s2 = LaneMath.MultiplyAdd(d2, d2, s2);
                s3 = LaneMath.MultiplyAdd(d3, d3, s3);
            }

            s0.Store(squares + i);
            s1.Store(squares + i + lanes);
            s2.Store(squares + i + (2 * lanes));
            s3.Store(squares + i + (3 * lanes));
            nearest = Vector512.MinNative(nearest, Vector512.MinNative(Vector512.MinNative(s0, s1), Vector512.MinNative(s2, s3)));
        }

        return -LaneMath.Largest(-nearest);
    }
}
