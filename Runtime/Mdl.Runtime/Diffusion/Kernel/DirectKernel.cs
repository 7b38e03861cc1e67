using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>
/// The streaming softmax by differences: each query goes through the blocks of the data, the nearest one first, and leaves out those whose box is so far away
/// that all data there together would not change the result's last bit.
/// </summary>
internal static unsafe class DirectKernel
{
    private const int QueriesPerChunk = 8;

    // e^-17 and e^-37 of the largest weight are below half a unit in the last place of float and double.
    private const double SingleCutOff = 17;
    private const double DoubleCutOff = 37;

    /// <summary>Evaluates all queries.</summary>
    public static void Run<T>(ref KernelCall<T> call)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        delegate*<void*, int, int, void> body = call.Dimensions switch
        {
            1 => &Chunk<T, LowKernel<T, OneDimension>>,
            2 => &Chunk<T, LowKernel<T, TwoDimensions>>,
            3 => &Chunk<T, LowKernel<T, ThreeDimensions>>,
            _ => &Chunk<T, WideKernel<T>>,
        };
        call.Team.Run(body, Unsafe.AsPointer(ref call), (call.Count + QueriesPerChunk - 1) / QueriesPerChunk);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Chunk<T, TKernel>(void* arguments, int chunk, int worker)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TKernel : struct, IBlockKernel<T>
    {
        ref var call = ref Unsafe.AsRef<KernelCall<T>>(arguments);
        var d = call.Dimensions;
        var sumBytes = (d + 1L) * sizeof(Vector512<T>);
        var scratch = (byte*)call.Team.Scratch(
            worker, sumBytes + ((call.Data.BoxStride + PointBlocks<T>.Size + (2L * d) + 32) * sizeof(T)) + (KernelResult.WorkDoubles(d) * sizeof(double)));
        var sums = (Vector512<T>*)scratch;
        var distances = (T*)(scratch + sumBytes);
        var work = distances + call.Data.BoxStride;
        var point = work + PointBlocks<T>.Size;
        var shift = point + ((d + 15) & ~15);
        var doubles = (double*)(shift + ((d + 15) & ~15));
        for (var query = chunk * QueriesPerChunk; query < Math.Min(call.Count, (chunk + 1) * QueriesPerChunk); query++)
        {
            for (var j = 0; j < d; j++)
            {
                point[j] = (call.Queries[((long)query * d) + j] - call.Centre[j]) / call.Unit;
            }

            var logSum = Sum<T, TKernel>(call, point, sums, distances, work);
            for (var j = 0; j < d; j++)
            {
                shift[j] = Vector512.Sum(sums[j + 1]) / Vector512.Sum(sums[0]);
            }

            KernelResult.Write(call, query, logSum, shift, doubles);
        }
    }

    // Leaves the sums relative to a common factor; returns the logarithm of the sum of weights.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Sum<T, TKernel>(in KernelCall<T> call, T* point, Vector512<T>* sums, T* distances, T* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TKernel : struct, IBlockKernel<T>
    {
        var data = call.Data;
        var scale = T.CreateTruncating(call.Scale);
        var step = (long)data.Dimensions * PointBlocks<T>.Size;
        var nearest = Distances(data, point, distances);
        new Span<Vector512<T>>(sums, data.Dimensions + 1).Clear();
        var reference = -scale * distances[nearest];
        var largest = TKernel.Add(data.Points + (nearest * step), data.Dimensions, point, scale, ref reference, true, sums, work);
        var cutOff = T.CreateTruncating(((typeof(T) == typeof(float) ? SingleCutOff : DoubleCutOff) + Math.Log(data.Count)) * Math.Log2(Math.E));
        for (var block = 0; block < data.Blocks; block++)
        {
            if (block != nearest && !(call.Skips && -scale * distances[block] < largest - cutOff))
            {
                largest = T.Max(
                    largest, TKernel.Add(data.Points + (block * step), data.Dimensions, point, scale, ref reference, false, sums, work));
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
