using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Ilgpu.Programs;

/// <summary>A small buffer that the host fills for the device, or the device for the host.</summary>
/// <typeparam name="T">int or float.</typeparam>
public sealed unsafe class Staging<T> : IDisposable
    where T : unmanaged
{
    private readonly MemoryBuffer1D<T, Stride1D.Dense> _memory;
    private readonly Arena _host;

    /// <summary>Allocates both memories, the host's all zero.</summary>
    public Staging(Devices.IlgpuDevice device, long count)
    {
        ArgumentNullException.ThrowIfNull(device);
        _host = new Arena(Math.Max(count, 1) * sizeof(T));
        _memory = device.Accelerator.Allocate1D<T>(Math.Max(count, 1));
    }

    /// <summary>The host's memory.</summary>
    public T* Host => (T*)_host.Memory;

    /// <summary>The device's memory.</summary>
    public ArrayView<T> View => _memory.View.BaseView;

    /// <summary>Bytes in the device's memory.</summary>
    public long Bytes => _memory.LengthInBytes;

    /// <summary>Copies the first elements to the device.</summary>
    public void ToDevice(long count) => View.SubView(0, count).CopyFromCPU(ref *Host, count);

    /// <summary>Copies the first elements to the host, once all that was launched is done.</summary>
    public void ToHost(long count) => View.SubView(0, count).CopyToCPU(ref *Host, count);

    /// <inheritdoc/>
    public void Dispose()
    {
        _memory.Dispose();
        _host.Dispose();
    }
}
