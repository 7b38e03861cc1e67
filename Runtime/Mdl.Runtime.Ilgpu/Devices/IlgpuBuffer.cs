using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Ilgpu.Kernels;

namespace Mdl.Runtime.Ilgpu.Devices;

/// <summary>Device memory and, once the host has asked for it, a copy on the host. Whichever was written last is copied to the other when that is used.</summary>
public sealed unsafe class IlgpuBuffer : DeviceBuffer
{
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _memory;
    private Arena? _host;
    private bool _hostIsNewer;
    private bool _deviceIsNewer = true;

    internal IlgpuBuffer(IlgpuDevice device, long floats)
    {
        Length = floats;
        _memory = device.Accelerator.Allocate1D<float>(Math.Max(floats, 1));
        RowLaunch.Clear(device, View, Length);
    }

    /// <inheritdoc/>
    public override long Length { get; }

    /// <inheritdoc/>
    public override long Bytes => Length * sizeof(float);

    /// <inheritdoc/>
    public override float* Host
    {
        get
        {
            _host ??= new Arena(Bytes);
            if (_deviceIsNewer && Length > 0)
            {
                _memory.View.BaseView.SubView(0, Length).CopyToCPU(ref *(float*)_host.Memory, Length);
                _deviceIsNewer = false;
            }

            _hostIsNewer = true;
            return (float*)_host.Memory;
        }
    }

    /// <summary>The device's memory, whose address never changes.</summary>
    public ArrayView<float> View => _memory.View.BaseView;

    /// <summary>The device's memory with the current values, for kernels that read it.</summary>
    public ArrayView<float> Read()
    {
        if (_hostIsNewer && Length > 0)
        {
            View.SubView(0, Length).CopyFromCPU(ref *(float*)_host!.Memory, Length);
            _hostIsNewer = false;
        }

        return View;
    }

    /// <summary>As <see cref="Read"/>, for kernels that write to it.</summary>
    public ArrayView<float> Write()
    {
        Read();
        _deviceIsNewer = true;
        return View;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _memory.Dispose();
        _host?.Dispose();
    }
}
