using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Tests.Support;

/// <summary>One OpenCL device for all tests of a class, so that each kernel is compiled once; products once for all sizes, but for <see cref="SpecializationTests"/>.</summary>
public sealed class OpenClFixture : IDisposable
{
    private readonly Lazy<IlgpuDevice> _device = new(() =>
    {
        var device = OpenClDevice.Open();
        device.SpecializesProducts = false;
        return device;
    });

    /// <summary>The device; the test is skipped if there is none.</summary>
    public IlgpuDevice Device
    {
        get
        {
            Skip.IfNot(OpenClDevice.IsInstalled, OpenClDevice.Missing);
            return _device.Value;
        }
    }

    public void Dispose()
    {
        if (_device.IsValueCreated)
        {
            _device.Value.Dispose();
        }
    }
}
