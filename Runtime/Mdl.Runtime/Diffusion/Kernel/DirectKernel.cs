using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>
/// The streaming softmax by differences: each query goes through the blocks of the data, the nearest one first, and leaves out those whose box is so far away
/// that all data there together would not change the result's last bit. Merged points are used where they are as good as the data, which the sums tell.
/// </summary>
internal static unsafe class DirectKernel
{
    private const int QueriesPerChunk = 8;

    // e^-17 and e^-37 of the largest weight are below half a unit in the last place of float and double.
    private const double SingleCutOff = 17;
    private const double DoubleCutOff = 37;

    // Weights of both signs may cancel so much of each other before the data themselves are taken.
    private const double MostCancelled = 32;

    /// <summary>Evaluates all queries.</summary>
    public static void Run<T>(ref KernelCall<T> call)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        delegate*<void*, int, int, void> body = call.Dimensions switch
        {
            1 => &Chunk<T, LowKernel<T, OneDimension, Unweighted>, LowKernel<T, OneDimension, Weighted>>,
            2 => &Chunk<T, LowKernel<T, TwoDimensions, Unweighted>, LowKernel<T, TwoDimensions, Weighted>>,
            3 => &Chunk<T, LowKernel<T, ThreeDimensions, Unweighted>, LowKernel<T, ThreeDimensions, Weighted>>,
            _ => &Chunk<T, WideKernel<T>, WideKernel<T>>,
        };
        call.Team.Run(body, Unsafe.AsPointer(ref call), (call.Count + QueriesPerChunk - 1) / QueriesPerChunk);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Chunk<T, TKernel, TMerged>(void* arguments, int chunk, int worker)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TKernel : struct, IBlockKernel<T>
        where TMerged : struct, IBlockKernel<T>
    {
        ref var call = ref Unsafe.AsRef<KernelCall<T>>(arguments);
        var d = call.Dimensions;
        var stride = Math.Max(call.Data.BoxStride, call.Points.BoxStride);
        var sumBytes = (d + 2L) * sizeof(Vector512<T>);
        var scratch = (byte*)call.Team.Scratch(
            worker, sumBytes + ((stride + PointBlocks<T>.Size + (2L * d) + 32) * sizeof(T)) + (KernelResult.WorkDoubles(d) * sizeof(double)));
        var sums = (Vector512<T>*)scratch;
        var distances = (T*)(scratch + sumBytes);
        var work = distances + stride;
        var point = work + PointBlocks<T>.Size;
        var shift = point + ((d + 15) & ~15);
        var doubles = (double*)(shift + ((d + 15) & ~15));
        for (var query = chunk * QueriesPerChunk; query < Math.Min(call.Count, (chunk + 1) * QueriesPerChunk); query++)
        {
            for (var j = 0; j < d; j++)
            {
                point[j] = (call.Queries[((long)query * d) + j] - call.Centre[j]) / call.Unit;
            }

            var merged = call.Points.Weights != null;
            var logSum = merged ? Sum<T, TMerged>(call, call.Points, point, sums, distances, work) : 0;
            if (!merged || !IsReliable(call, logSum, sums))
            {
                logSum = Sum<T, TKernel>(call, call.Data, point, sums, distances, work);
            }

            for (var j = 0; j < d; j++)
            {
                shift[j] = Vector512.Sum(sums[j + 1]) / Vector512.Sum(sums[0]);
            }

            KernelResult.Write(call, query, logSum, shift, doubles);
        }
    }

    /// <summary>How far below the sum, to the base 2, exponents do not matter, even of all data together.</summary>
    public static double CutOff<T>(int count) => ((typeof(T) == typeof(float) ? SingleCutOff : DoubleCutOff) + Math.Log(count)) * Math.Log2(Math.E);

    // Interpolation has an absolute error, and weights of both signs lose digits to each other.
    private static bool IsReliable<T>(in KernelCall<T> call, double logSum, Vector512<T>* sums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        logSum >= Math.Log(MergedPoints<T>.LeastMean * call.Data.Count)
        && double.CreateTruncating(Vector512.Sum(sums[call.Dimensions + 1])) <= MostCancelled * double.CreateTruncating(Vector512.Sum(sums[0]));

    /// <summary>Leaves the sums relative to a common factor; returns the logarithm of the sum of weights, which is not a number if that is below 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum<T, TKernel>(in KernelCall<T> call, PointBlocks<T> data, T* point, Vector512<T>* sums, T* distances, T* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TKernel : struct, IBlockKernel<T>
    {
        var scale = T.CreateTruncating(call.Scale);
        var step = (long)data.Dimensions * PointBlocks<T>.Size;
        var nearest = Distances(data, point, distances);
        new Span<Vector512<T>>(sums, data.Dimensions + 2).Clear();
        var reference = -scale * distances[nearest];
        TKernel.Add(data.Points + (nearest * step), data.Weights + ((long)nearest * PointBlocks<T>.Size), data.Dimensions, point, scale, ref reference, true, sums, work);

        // What is left out is measured by what the nearest block has given: the sum only grows from there.
        var cutOff = T.CreateTruncating(CutOff<T>(call.Data.Count));
        var found = Vector512.Sum(sums[0]);
        var least = found > T.Zero ? reference + T.CreateTruncating(Math.Log2(double.CreateTruncating(found))) - cutOff : T.NegativeInfinity;
        for (var block = 0; block < data.Blocks; block++)
        {
            if (block != nearest && !(call.Skips && -scale * distances[block] < least))
            {
                var weights = data.Weights + ((long)block * PointBlocks<T>.Size);
                TKernel.Add(data.Points + (block * step), weights, data.Dimensions, point, scale, ref reference, false, sums, work);
            }
        }

        return (double.CreateTruncating(reference) + Math.Log2(double.CreateTruncating(Vector512.Sum(sums[0])))) / Math.Log2(Math.E);
    }

    // The squared distance from a point to each box; returns the nearest box.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Distances<T>(PointBlocks<T> data, T* point, T* distances)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (var b = 0; b < data.BoxStride; b += Vector512<T>.Count)
        {
            var sum = Vector512<T>.Zero;
            var low = data.Low + b;
            var high = data.High + b;
            for (var j = 0; j < data.Dimensions; j++, low += data.BoxStride, high += data.BoxStride)
            {
                var q = Vector512.Create(point[j]);
                var outside = Vector512.Max(Vector512.Max(Vector512.Load(low) - q, q - Vector512.Load(high)), Vector512<T>.Zero);
                sum = LaneMath.MultiplyAdd(outside, outside, sum);
            }

            sum.Store(distances + b);
        }

        var nearest = 0;
        for (var b = 1; b < data.Blocks; b++)
        {
            nearest = distances[b] < distances[nearest] ? b : nearest;
        }

        return nearest;
    }
}
