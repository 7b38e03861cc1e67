using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Ilgpu.Devices;

/// <summary>
/// One block of device memory that holds all buffers of one element type of a program. Nothing clears it: kernels write what they read, as the test with
/// Oclgrind shows.
/// </summary>
public sealed class DeviceArena<T> : IDisposable
    where T : unmanaged
{
    private readonly MemoryBuffer1D<T, Stride1D.Dense> _memory;
    private readonly long[] _offsets;
    private readonly long[] _sizes;

    /// <summary>Places buffers as <see cref="Arena.Place"/> does and allocates the memory.</summary>
    /// <exception cref="NotSupportedException">A buffer has 2^31 elements or more: kernels count in 32 bits.</exception>
    public DeviceArena(IlgpuDevice device, ReadOnlySpan<BufferInfo> buffers)
    {
        ArgumentNullException.ThrowIfNull(device);
        _offsets = new long[buffers.Length];
        _sizes = new long[buffers.Length];
        for (var i = 0; i < buffers.Length; i++)
        {
            _sizes[i] = buffers[i].Bytes;
            if (_sizes[i] / 4 > int.MaxValue)
            {
                throw new NotSupportedException($"{buffers[i].Name} has {_sizes[i]} bytes, too many for one kernel; take a smaller batch or length.");
            }
        }

        Bytes = Arena.Place(buffers, _offsets);
        _memory = device.Accelerator.Allocate1D<T>(Math.Max(1, Bytes / 4));
    }

    /// <summary>The size in bytes.</summary>
    public long Bytes { get; }

    /// <summary>The memory of one buffer.</summary>
    public ArrayView<T> this[int buffer] => _memory.View.BaseView.SubView(_offsets[buffer] / 4, _sizes[buffer] / 4);

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
