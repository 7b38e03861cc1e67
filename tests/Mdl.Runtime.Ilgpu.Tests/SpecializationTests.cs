using Mdl.Runtime.Ilgpu.Tests.Support;

namespace Mdl.Runtime.Ilgpu.Tests;

/// <summary>Products that are compiled for the sizes of their model, as they are unless <see cref="Devices.IlgpuDevice.SpecializesProducts"/> is cleared.</summary>
public sealed class SpecializationTests
{
    [SkippableFact]
    public void Kernels_for_the_sizes_of_a_model_agree_with_the_reference()
    {
        Skip.IfNot(OpenClDevice.IsInstalled, OpenClDevice.Missing);
        using var device = OpenClDevice.Open();
        Assert.True(device.SpecializesProducts);
        Conformance.CheckTraining(device, "SwitchDropless", 2, 19);
        Conformance.CheckLogits(device, "SwitchDropless");
        Conformance.CheckGeneration(device, "SwitchDropless", 3, 2);
    }
}
