using Mdl.EndToEnd.Tests;
using Mdl.Runtime.Diffusion;
using Mdl.Runtime.Ilgpu.Tests.Support;

namespace Mdl.Runtime.Ilgpu.Tests;

/// <summary>
/// Models on OpenCL, beside the reference evaluator and the host; each asks at its end whether every kernel that was generated for it has run. Those of the
/// samples are in <see cref="OpenClSampleTests"/>, which runs at the same time.
/// </summary>
public sealed class OpenClTests(OpenClFixture fixture) : IClassFixture<OpenClFixture>
{
    [SkippableTheory]
    [InlineData("DenseSmall")]
    [InlineData("LingTiny")]
    [InlineData("SwitchCapacity")]
    [InlineData("SwitchDropless")]
    [InlineData("OddOne")]
    [InlineData("ForeignAngles")]
    [InlineData("MaskedSmall")]
    [InlineData("AdaptedSmall")]
    public void Every_kernel_of_a_model_agrees_with_the_reference(string name) => Conformance.CheckModel(fixture.Device, name);

    [SkippableFact]
    public void Every_kernel_of_the_runtime_has_run_with_these_models()
    {
        // Kernels of a device are counted from its start: what the other tests ran may not have been yet.
        foreach (var name in (string[])["LingTiny", "SwitchCapacity", "OddOne", "ForeignAngles"])
        {
            Conformance.CheckTraining(fixture.Device, name, 1, 3);
            Conformance.CheckLogits(fixture.Device, name);
        }

        Conformance.CheckSteps(fixture.Device, "LingTiny", 1);
        KernelScoreConformance.Check(fixture.Device, points: 65);
        Assert.Empty(KernelList.OfTheRuntime.Except(fixture.Device.Kernels));
    }

    [SkippableFact]
    public void Kernel_scores_agree_with_the_host() => KernelScoreConformance.Check(fixture.Device, points: 1000);

    [SkippableTheory]
    [InlineData("Plane")]
    [InlineData("Images")]
    public void Every_kernel_of_a_learned_score_agrees_with_the_reference(string name)
    {
        DenoiserConformance.CheckPrograms(fixture.Device, name, [0.05f, 0.7f, 3, 20, 0.4f]);
        DenoiserConformance.CheckSamples(fixture.Device, name, 7);
        DenoiserConformance.CheckKernels(fixture.Device, name);
    }

    [SkippableFact]
    public void Ten_steps_of_a_denoiser_have_the_losses_of_the_host() => DenoiserConformance.CheckSteps(fixture.Device, 10);

    [SkippableFact]
    public void Kernel_scores_in_double_precision_are_refused()
    {
        var message = Assert.Throws<NotSupportedException>(() => new KernelScore<double>([1, 2], 1, device: fixture.Device)).Message;
        Assert.Contains("in float, not Double", message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("LingTiny")]
    [InlineData("SwitchDropless")]
    [InlineData("OddOne")]
    public void Greedy_tokens_are_those_of_the_host(string name) => Conformance.CheckGeneration(fixture.Device, name, 5, 9);

    [SkippableTheory]
    [InlineData("LingTiny")]
    [InlineData("SwitchCapacity")]
    public void Ten_steps_have_the_losses_of_the_host(string name) => Conformance.CheckSteps(fixture.Device, name, 10);

    [SkippableFact]
    public void Training_twice_gives_the_same_bits()
    {
        var runs = Enumerable.Range(0, 2).Select(_ =>
        {
            using var model = TestModels.Initialized("LingTiny", 3, fixture.Device);
            using var trainer = model.CreateTrainer(new() { Batch = 2, Length = 9, Steps = 3, Settings = TestModels.Settings });
            for (var step = 0; step < 3; step++)
            {
                trainer.Step(TestModels.Tokens(model, trainer.TokensPerBatch, step));
            }

            return TestModels.WeightBytes(model).ToArray();
        }).ToList();
        Assert.Equal(runs[0], runs[1]);
    }
}
