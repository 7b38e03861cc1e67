using Mdl.EndToEnd.Tests;
using Mdl.Runtime.Ilgpu.Tests.Support;

namespace Mdl.Runtime.Ilgpu.Tests;

/// <summary>
/// Models of the test files on OpenCL, beside the reference evaluator and the host: between them they have every operation. A driver takes tenths of a second to
/// compile a kernel, so that models whose layers another has too are left out.
/// </summary>
public sealed class OpenClTests(OpenClFixture fixture) : IClassFixture<OpenClFixture>
{
    public static TheoryData<string> Names => ["DenseSmall", "LingTiny", "SwitchCapacity", "SwitchDropless", "OddOne"];

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Training_agrees_with_the_reference(string name)
    {
        Conformance.CheckTraining(fixture.Device, name, 1, 1);
        Conformance.CheckTraining(fixture.Device, name, 1, 7);
        Conformance.CheckTraining(fixture.Device, name, 3, 19);
    }

    [SkippableTheory]
    [InlineData("LingTiny")]
    [InlineData("SwitchDropless")]
    [InlineData("OddOne")]
    public void Logits_agree_with_the_reference(string name) => Conformance.CheckLogits(fixture.Device, name);

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
