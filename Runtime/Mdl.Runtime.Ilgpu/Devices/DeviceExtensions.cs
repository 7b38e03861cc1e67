using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Mdl.Runtime.Devices;

/// <summary>The devices that ILGPU adds.</summary>
public static class IlgpuDevices
{
    extension(Device)
    {
        /// <summary>An NVIDIA device.</summary>
        /// <param name="number">Which one, if there are several.</param>
        /// <exception cref="NotSupportedException">There is no such device, or no driver.</exception>
        public static Ilgpu.Devices.IlgpuDevice Cuda(int number = 0) => Open(builder => builder.Cuda(), AcceleratorType.Cuda, number);

        /// <summary>A device with OpenCL 2.0 and a generic address space.</summary>
        /// <param name="number">Which one, if there are several.</param>
        /// <exception cref="NotSupportedException">There is no such device, or no driver.</exception>
        public static Ilgpu.Devices.IlgpuDevice OpenCL(int number = 0) => Open(builder => builder.OpenCL(), AcceleratorType.OpenCL, number);

        /// <summary>ILGPU's simulator: it shows what kernels compute, not how fast.</summary>
        public static Ilgpu.Devices.IlgpuDevice Simulator() =>
            Open(builder => builder.CPU(new CPUDevice(numThreadsPerWarp: 4, numWarpsPerMultiprocessor: 16, numMultiprocessors: 1)), AcceleratorType.CPU, 0);
    }

    private static Ilgpu.Devices.IlgpuDevice Open(Action<Context.Builder> select, AcceleratorType type, int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        var context = Context.Create(builder =>
        {
            builder.Optimize(OptimizationLevel.O1);
            select(builder);
        });
        var devices = context.Devices.Where(d => d.AcceleratorType == type).ToList();
        if (number < devices.Count)
        {
            return new(context, devices[number].CreateAccelerator(context));
        }

        context.Dispose();
        throw new NotSupportedException($"ILGPU finds {devices.Count} devices of type {type}; number {number} was asked for.");
    }
}
