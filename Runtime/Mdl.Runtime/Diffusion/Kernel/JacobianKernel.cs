using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>
/// The derivative of the score: -I / t + Cov / t^2 with the covariance of the data under the softmax weights, and what the tail adds. Two passes: the weighted
/// mean first, so that the covariance is a sum of centred products.
/// </summary>
internal static unsafe class JacobianKernel
{
    private struct Arguments
    {
        public void* Call;
        public void* Jacobian;
    }

    /// <summary>Evaluates all queries into [Count, d, d].</summary>
    public static void Run<T>(ref KernelCall<T> call, T* jacobian)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var arguments = new Arguments { Call = Unsafe.AsPointer(ref call), Jacobian = jacobian };
        delegate*<void*, int, int, void> body = call.Dimensions switch
        {
            1 => &Query<T, LowKernel<T, OneDimension, Unweighted>>,
            2 => &Query<T, LowKernel<T, TwoDimensions, Unweighted>>,
            3 => &Query<T, LowKernel<T, ThreeDimensions, Unweighted>>,
            _ => &Query<T, WideKernel<T>>,
        };
        call.Team.Run(body, &arguments, call.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Query<T, TKernel>(void* pointer, int query, int worker)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TKernel : struct, IBlockKernel<T>
    {
        ref var arguments = ref *(Arguments*)pointer;
        ref var call = ref Unsafe.AsRef<KernelCall<T>>(arguments.Call);
        var d = call.Dimensions;
        var vectors = (long)d * (d + 1) / 2;
        var bytes = (Math.Max(vectors, d + 2L) * sizeof(Vector512<T>)) + ((call.Data.BoxStride + PointBlocks<T>.Size + (2L * d) + 32) * sizeof(T));
        var scratch = (byte*)call.Team.Scratch(worker, bytes + (KernelTailDerivative.WorkDoubles(d) * sizeof(double)));
        var sums = (Vector512<T>*)scratch;
        var distances = (T*)(scratch + (Math.Max(vectors, d + 2L) * sizeof(Vector512<T>)));
        var work = distances + call.Data.BoxStride;
        var point = work + PointBlocks<T>.Size;
        var mean = point + ((d + 15) & ~15);
        var doubles = (double*)(mean + ((d + 15) & ~15));
        for (var j = 0; j < d; j++)
        {
            point[j] = (call.Queries[((long)query * d) + j] - call.Centre[j]) / call.Unit;
        }

        var logSum = DirectKernel.Sum<T, TKernel>(call, call.Data, point, sums, distances, work);
        for (var j = 0; j < d; j++)
        {
            mean[j] = Vector512.Sum(sums[j + 1]) / Vector512.Sum(sums[0]);
        }

        var total = Covariance(call, point, mean, logSum, distances, work, sums);
        var unit = double.CreateTruncating(call.Unit);
        var covariance = doubles;
        var shift = covariance + ((long)d * d);
        for (var (j, at) = (0, 0); j < d; j++)
        {
            shift[j] = unit * double.CreateTruncating(mean[j]);
            for (var k = 0; k <= j; k++, at++)
            {
                var value = unit * unit * double.CreateTruncating(Vector512.Sum(sums[at])) / total;
                (covariance[(j * d) + k], covariance[(k * d) + j]) = (value, value);
            }
        }

        KernelTailDerivative.Write(call, query, logSum, covariance, shift, shift + d, (T*)arguments.Jacobian + ((long)query * d * d));
    }

    // Leaves the lanes of the sums of w (X - x - m)_j (X - x - m)_k for k <= j; returns the sum of weights, 1 but for rounding.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Covariance<T>(in KernelCall<T> call, T* point, T* mean, double logSum, T* distances, T* weights, Vector512<T>* sums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var (d, size, lanes) = (call.Dimensions, PointBlocks<T>.Size, Vector512<T>.Count);
        new Span<Vector512<T>>(sums, d * (d + 1) / 2).Clear();
        var scale = T.CreateTruncating(call.Scale);
        var reference = T.CreateTruncating(logSum * Math.Log2(Math.E));
        var least = reference - T.CreateTruncating(DirectKernel.CutOff<T>(call.Data.Count));
        var total = Vector512<T>.Zero;
        for (var block = 0; block < call.Data.Blocks; block++)
        {
            if (call.Skips && -scale * distances[block] < least)
            {
                continue;
            }

            var points = call.Data.Column(block * size);
            for (var i = 0; i < size; i += lanes)
            {
                var square = Vector512<T>.Zero;
                for (var j = 0; j < d; j++)
                {
                    var difference = Vector512.Load(points + ((long)j * size) + i) - Vector512.Create(point[j]);
                    square = LaneMath.MultiplyAdd(difference, difference, square);
                }

                var weight = LaneMath.Exp2(LaneMath.MultiplyAdd(square, Vector512.Create(-scale), Vector512.Create(-reference)));
                weight.Store(weights + i);
                total += weight;
            }

            for (var (j, at) = (0, 0); j < d; j++)
            {
                var centreJ = Vector512.Create(point[j] + mean[j]);
                for (var k = 0; k <= j; k++, at++)
                {
                    var centreK = Vector512.Create(point[k] + mean[k]);
                    var sum = Vector512<T>.Zero;
                    for (var i = 0; i < size; i += lanes)
                    {
                        var x = Vector512.Load(points + ((long)j * size) + i) - centreJ;
                        sum = LaneMath.MultiplyAdd(Vector512.Load(weights + i) * x, Vector512.Load(points + ((long)k * size) + i) - centreK, sum);
                    }

                    sums[at] += sum;
                }
            }
        }

        return double.CreateTruncating(Vector512.Sum(total));
    }
}
