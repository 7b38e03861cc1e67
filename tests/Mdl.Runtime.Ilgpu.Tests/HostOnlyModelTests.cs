extern alias HostOnly;

using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Ilgpu.Tests;

/// <summary>Models of a project that does not reference Mdl.Runtime.Ilgpu, on a device that another project opens.</summary>
public sealed class HostOnlyModelTests
{
    [Fact]
    public void A_model_without_programs_for_the_device_says_what_to_reference()
    {
        using var device = Device.Simulator();
        var error = Assert.Throws<NotSupportedException>(() => HostOnly::Ling.LingNano.Create(device));
        Assert.Contains("LingNano", error.Message, StringComparison.Ordinal);
        Assert.Contains(device.Name, error.Message, StringComparison.Ordinal);
        Assert.Contains("Reference the package Mdl.Runtime.Ilgpu in the project that holds the .mdl file", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void It_runs_on_the_host()
    {
        using var model = HostOnly::Ling.LingNano.Create();
        Assert.Equal("LingNano", model.Info.Name);
    }
}
