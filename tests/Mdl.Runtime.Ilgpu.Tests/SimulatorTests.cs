using Mdl.Runtime.Devices;
using Mdl.Runtime.Ilgpu.Tests.Support;

namespace Mdl.Runtime.Ilgpu.Tests;

/// <summary>ILGPU's own simulator, which needs no driver: smallest sizes, as each thread of a group is one of the system's.</summary>
public sealed class SimulatorTests
{
    [Theory]
    [InlineData("DenseSmall")]
    [InlineData("SwitchDropless")]
    public void Training_agrees_with_the_reference(string name)
    {
        using var device = Device.Simulator();
        Conformance.CheckTraining(device, name, 1, 1);
    }

    [Fact]
    public void Kernel_scores_agree_with_the_host()
    {
        using var device = Device.Simulator();
        KernelScoreConformance.Check(device, points: 7);
    }

    [Fact]
    public void Learned_scores_agree_with_the_reference()
    {
        using var device = Device.Simulator();
        DenoiserConformance.CheckPrograms(device, "Plane", [0.5f]);
    }
}
