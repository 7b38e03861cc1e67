using Mdl.EndToEnd.Tests;
using Mdl.Runtime.Ilgpu.Tests.Support;
using Tiny;

namespace Mdl.Runtime.Ilgpu.Tests;

/// <summary>
/// Models of the samples, published ones and such of mixed precision on OpenCL, beside the reference evaluator, the host and llama.cpp. The model of LingNano has its
/// own sizes, but for the number of tokens.
/// </summary>
public sealed class OpenClSampleTests(OpenClFixture fixture) : IClassFixture<OpenClFixture>
{
    [SkippableFact]
    public void Every_kernel_of_a_small_sample_agrees_with_the_reference() => Conformance.CheckModel(fixture.Device, "ChatTiny");

    [SkippableFact]
    public void Ten_steps_of_a_small_sample_have_the_losses_of_the_host() => Conformance.CheckSteps(fixture.Device, "ChatTiny", 10);

    [SkippableFact]
    public void Every_kernel_of_the_sample_at_its_sizes_agrees_with_the_reference()
    {
        Conformance.CheckTraining(fixture.Device, "LingNano", 1, 5);
        Conformance.CheckLogits(fixture.Device, "LingNano");
        Conformance.CheckKernels(fixture.Device, "LingNano");
    }

    [SkippableFact]
    public void Mixed_precision_agrees_with_the_reference_but_for_rounded_operands()
    {
        using var model = TestModels.Create("MixedSmall", fixture.Device);
        var reference = new Reference(model, "mixed.mdl");
        reference.Randomize(4);
        // As for the host: 2^-8 for a product of two rounded operands, and a few layers chain a handful; gradients cancel in part.
        reference.CheckTraining(3, 19, seed: 2, forward: 2e-2, gradients: 5e-2);
        Conformance.CheckLogits(fixture.Device, "MixedSmall");
        Conformance.CheckKernels(fixture.Device, "MixedSmall");
    }

    [SkippableFact]
    public void Logits_are_those_of_llama_cpp()
    {
        using var model = LingFixture.Load(Oracle.Folder, fixture.Device);
        Oracle.Check(model, 1e-4);
    }

    [SkippableFact]
    public void Logits_of_a_stretched_context_are_those_of_llama_cpp()
    {
        var folder = Directory.CreateTempSubdirectory("mdl-").FullName;
        try
        {
            using var model = LingStretched.Load(Rotary.Stretched(folder), fixture.Device);
            Oracle.Check(model, 1e-4, "yarn_logits.f32");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [SkippableTheory]
    [InlineData("TurnPlain")]
    [InlineData("TurnForty")]
    public void Angles_are_those_of_double_precision(string name) => Rotary.CheckAngles(name, fixture.Device);
}
