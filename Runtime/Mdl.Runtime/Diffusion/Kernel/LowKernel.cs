using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>A number of dimensions that is known when the kernel is compiled.</summary>
internal interface IDimensions
{
    static abstract int Count { get; }
}

internal readonly struct OneDimension : IDimensions
{
    public static int Count => 1;
}

internal readonly struct TwoDimensions : IDimensions
{
    public static int Count => 2;
}

internal readonly struct ThreeDimensions : IDimensions
{
    public static int Count => 3;
}

/// <summary>Whether points count different amounts.</summary>
internal interface IWeighting
{
    static abstract bool HasWeights { get; }
}

internal readonly struct Unweighted : IWeighting
{
    public static bool HasWeights => false;
}

internal readonly struct Weighted : IWeighting
{
    public static bool HasWeights => true;
}

/// <summary>
/// A block in one pass, with all sums in registers. The largest exponent is known only afterwards: if it is too far above the reference, the pass is
/// repeated from a new one, which happens to few blocks of a query because the nearest block comes first.
/// </summary>
internal readonly unsafe struct LowKernel<T, TDimensions, TWeighting> : IBlockKernel<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TDimensions : struct, IDimensions
    where TWeighting : struct, IWeighting
{
    // Sums of 2^20 times the number of data stay far from the type's largest number, and weights 2^20 below the largest keep their precision.
    private const int Slack = 20;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Add(T* block, T* weights, int dimensions, T* query, T scale, ref T reference, bool isFirst, Vector512<T>* sums, T* work)
    {
        var slack = T.CreateTruncating(Slack);
        while (true)
        {
            var nearest = Pass(block, weights, query, scale, reference, out var weight, out var magnitude, out var x, out var y, out var z);
            var largest = -scale * nearest;
            if (largest <= reference + slack && (!isFirst || largest >= reference - slack))
            {
                sums[0] += weight;
                sums[1] += x;
                if (TDimensions.Count > 1)
                {
                    sums[2] += y;
                }

                if (TDimensions.Count > 2)
                {
                    sums[3] += z;
                }

                if (TWeighting.HasWeights)
                {
                    sums[TDimensions.Count + 1] += magnitude;
                }

                return largest;
            }

            var shrink = Vector512.Create(T.Exp2(reference - largest));
            for (var i = 0; !isFirst && i <= TDimensions.Count + 1; i++)
            {
                sums[i] *= shrink;
            }

            reference = largest;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Pass(T* block, T* weights, T* query, T scale, T reference,
        out Vector512<T> weight, out Vector512<T> magnitude, out Vector512<T> x, out Vector512<T> y, out Vector512<T> z)
    {
        var qx = Vector512.Create(query[0]);
        var qy = TDimensions.Count > 1 ? Vector512.Create(query[1]) : default;
        var qz = TDimensions.Count > 2 ? Vector512.Create(query[2]) : default;
        var factor = Vector512.Create(-scale);
        var shift = Vector512.Create(-reference);
        var nearest = Vector512.Create(T.CreateTruncating(float.MaxValue));
        Vector512<T> sum = default, size = default, sumX = default, sumY = default, sumZ = default;
        for (var i = 0; i < PointBlocks<T>.Size; i += Vector512<T>.Count)
        {
            var dx = Vector512.Load(block + i) - qx;
            Vector512<T> dy = default, dz = default;
            var square = dx * dx;
            if (TDimensions.Count > 1)
            {
                dy = Vector512.Load(block + PointBlocks<T>.Size + i) - qy;
                square = LaneMath.MultiplyAdd(dy, dy, square);
            }

            if (TDimensions.Count > 2)
            {
                dz = Vector512.Load(block + (2 * PointBlocks<T>.Size) + i) - qz;
                square = LaneMath.MultiplyAdd(dz, dz, square);
            }

            nearest = Vector512.MinNative(nearest, square);
            var e = LaneMath.Exp2(LaneMath.MultiplyAdd(square, factor, shift));
            if (TWeighting.HasWeights)
            {
                var weighted = e * Vector512.Load(weights + i);
                size += Vector512.Abs(weighted);
                e = weighted;
            }

            sum += e;
            sumX = LaneMath.MultiplyAdd(e, dx, sumX);
            if (TDimensions.Count > 1)
            {
                sumY = LaneMath.MultiplyAdd(e, dy, sumY);
            }

            if (TDimensions.Count > 2)
            {
                sumZ = LaneMath.MultiplyAdd(e, dz, sumZ);
            }
        }

        (weight, magnitude, x, y, z) = (sum, size, sumX, sumY, sumZ);
        return -LaneMath.Largest(-nearest);
    }
}
