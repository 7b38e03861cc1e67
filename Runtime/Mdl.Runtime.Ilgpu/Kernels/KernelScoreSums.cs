using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Diffusion.Kernel;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>The data of a kernel estimate, column after column, and the kernels that stream over them. Freed with the device, or when nothing refers to it.</summary>
internal sealed class KernelScoreSums : DeviceKernelSums
{
    // Sums stay in registers up to here.
    private const int MostLowDimensions = 3;

    private readonly IlgpuDevice _device;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _data;
    private readonly int _count;
    private readonly int _dimensions;

    public KernelScoreSums(IlgpuDevice device, ReadOnlySpan<float> columns, int dimensions)
    {
        (_device, _count, _dimensions) = (device, columns.Length / dimensions, dimensions);
        _data = device.Accelerator.Allocate1D(columns.ToArray());
    }

    /// <inheritdoc/>
    public override void Evaluate(ReadOnlySpan<float> queries, float scale, Span<float> logSums, Span<float> shifts)
    {
        var (count, d) = (logSums.Length, _dimensions);
        using var x = _device.Accelerator.Allocate1D(queries.ToArray());
        using var logs = _device.Accelerator.Allocate1D<float>(count);
        using var moved = _device.Accelerator.Allocate1D<float>(queries.Length);
        if (d <= MostLowDimensions)
        {
            _device.Launch(LowKernelSumKernel.Run, count, new LowKernelSumKernel
            {
                Data = _data.View.BaseView, Queries = x.View.BaseView, LogSums = logs.View.BaseView, Shifts = moved.View.BaseView, Count = _count, Dimensions = d, Scale = scale,
            });
        }
        else
        {
            _device.Launch(WideKernelSumKernel.Run, count, new WideKernelSumKernel
            {
                Data = _data.View.BaseView, Queries = x.View.BaseView, LogSums = logs.View.BaseView, Shifts = moved.View.BaseView, Count = _count, Dimensions = d, Scale = scale,
            });
        }

        _device.Synchronize();
        logs.GetAsArray1D().CopyTo(logSums);
        moved.GetAsArray1D().CopyTo(shifts);
    }
}

/// <summary>
/// A group a query, each thread every 64th datum with a softmax of its own in registers (largest exponent, sum, moments), which are put together at the end.
/// </summary>
internal struct LowKernelSumKernel
{
    public ArrayView<float> Data;
    public ArrayView<float> Queries;
    public ArrayView<float> LogSums;
    public ArrayView<float> Shifts;
    public int Count, Dimensions;
    public float Scale;

    public static void Run(LowKernelSumKernel k)
    {
        var shared = SharedMemory.Allocate<float>(GroupReduction.Size);
        var (query, lane) = (Grid.IdxX, Group.IdxX);
        var x = k.Queries[query * k.Dimensions];
        var y = k.Dimensions > 1 ? k.Queries[(query * k.Dimensions) + 1] : 0f;
        var z = k.Dimensions > 2 ? k.Queries[(query * k.Dimensions) + 2] : 0f;
        var (largest, sum, sumX, sumY, sumZ) = (float.NegativeInfinity, 0f, 0f, 0f, 0f);
        for (var i = lane; i < k.Count; i += IlgpuDevice.GroupSize)
        {
            var dx = k.Data[i] - x;
            var dy = k.Dimensions > 1 ? k.Data[k.Count + i] - y : 0f;
            var dz = k.Dimensions > 2 ? k.Data[(2 * k.Count) + i] - z : 0f;
            var exponent = -k.Scale * ((dx * dx) + (dy * dy) + (dz * dz));
            if (exponent > largest)
            {
                var shrink = DeviceMath.Exp(largest - exponent);
                (sum, sumX, sumY, sumZ) = (sum * shrink, sumX * shrink, sumY * shrink, sumZ * shrink);
                largest = exponent;
            }

            var weight = DeviceMath.Exp(exponent - largest);
            sum += weight;
            sumX += weight * dx;
            sumY += weight * dy;
            sumZ += weight * dz;
        }

        // Threads without a datum have a sum of 0, and e^-infinity is 0.
        var all = GroupReduction.Maximum(shared, lane, largest);
        var factor = DeviceMath.Exp(largest - all);
        sum = GroupReduction.Sum(shared, lane, sum * factor);
        sumX = GroupReduction.Sum(shared, lane, sumX * factor);
        sumY = GroupReduction.Sum(shared, lane, sumY * factor);
        sumZ = GroupReduction.Sum(shared, lane, sumZ * factor);
        if (lane == 0)
        {
            k.LogSums[query] = all + DeviceMath.Log(sum);
            k.Shifts[query * k.Dimensions] = sumX / sum;
            if (k.Dimensions > 1)
            {
                k.Shifts[(query * k.Dimensions) + 1] = sumY / sum;
            }

            if (k.Dimensions > 2)
            {
                k.Shifts[(query * k.Dimensions) + 2] = sumZ / sum;
            }
        }
    }
}

/// <summary>A group a query, in tiles of 64 data: first a thread a datum for the weights, then a thread a column for the moments.</summary>
internal struct WideKernelSumKernel
{
    public ArrayView<float> Data;
    public ArrayView<float> Queries;
    public ArrayView<float> LogSums;
    public ArrayView<float> Shifts;
    public int Count, Dimensions;
    public float Scale;

    public static void Run(WideKernelSumKernel k)
    {
        var shared = SharedMemory.Allocate<float>(GroupReduction.Size);
        var weights = SharedMemory.Allocate<float>(IlgpuDevice.GroupSize);
        var (query, lane) = (Grid.IdxX, Group.IdxX);
        var first = query * k.Dimensions;
        var (largest, sum) = (float.NegativeInfinity, 0f);
        for (var tile = 0; tile < k.Count; tile += IlgpuDevice.GroupSize)
        {
            var i = tile + lane;
            var exponent = float.NegativeInfinity;
            if (i < k.Count)
            {
                var square = 0f;
                for (var j = 0; j < k.Dimensions; j++)
                {
                    var difference = k.Data[(j * k.Count) + i] - k.Queries[first + j];
                    square += difference * difference;
                }

                exponent = -k.Scale * square;
            }

            var before = largest;
            largest = DeviceMath.Maximum(before, GroupReduction.Maximum(shared, lane, exponent));
            var shrink = DeviceMath.Exp(before - largest);
            var weight = DeviceMath.Exp(exponent - largest);
            weights[lane] = weight;
            sum = (sum * shrink) + GroupReduction.Sum(shared, lane, weight);
            var points = Whole(k.Count - tile);
            for (var j = lane; j < k.Dimensions; j += IlgpuDevice.GroupSize)
            {
                var x = k.Queries[first + j];
                var moment = tile == 0 ? 0f : k.Shifts[first + j] * shrink;
                for (var p = 0; p < points; p++)
                {
                    moment += weights[p] * (k.Data[(j * k.Count) + tile + p] - x);
                }

                k.Shifts[first + j] = moment;
            }

            Group.Barrier();
        }

        for (var j = lane; j < k.Dimensions; j += IlgpuDevice.GroupSize)
        {
            k.Shifts[first + j] = k.Shifts[first + j] / sum;
        }

        if (lane == 0)
        {
            k.LogSums[query] = largest + DeviceMath.Log(sum);
        }
    }

    private static int Whole(int left) => left < IlgpuDevice.GroupSize ? left : IlgpuDevice.GroupSize;
}
