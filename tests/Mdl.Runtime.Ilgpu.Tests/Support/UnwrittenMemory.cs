using Mdl.Runtime.Devices;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Ilgpu.Kernels;

namespace Mdl.Runtime.Ilgpu.Tests.Support;

/// <summary>Reads what nobody wrote: Oclgrind must notice.</summary>
internal static class UnwrittenMemory
{
    /// <summary>The name that stands for this among models.</summary>
    public const string Name = "Unwritten";

    /// <summary>Values that are read.</summary>
    public const int Count = 3;

    public static void Copy(IlgpuDevice device)
    {
        using var arena = new DeviceArena<float>(device, [new BufferInfo("unwritten", 4 * Count, 0, 0), new BufferInfo("copy", 4 * Count, 0, 0)]);
        RowLaunch.Copy(device, arena[0], arena[1], Count);
        device.Synchronize();
    }
}
