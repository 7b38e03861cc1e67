using Mdl.Runtime.Devices;

namespace Mdl.EndToEnd.Tests;

/// <summary>A model computes the same on portable kernels as on the best ones of the processor.</summary>
public sealed unsafe class KernelModeTests
{
    [Theory]
    [InlineData("LingTiny")]
    [InlineData("DenseSmall")]
    [InlineData("SwitchCapacity")]
    [InlineData("OddOne")]
    public void Portable_kernels_agree_with_assembled_ones(string name)
    {
        var (expectedMetrics, expectedGradients, expectedLogits) = Expected(Run(name, KernelMode.Auto));
        var (metrics, gradients, logits) = Run(name, KernelMode.Portable);
        // With fused multiply-adds both kinds add in the same order; without, a product is rounded once more before it is added. Sums
        // over a few hundred such terms stay within 1e-5, gradients, which chain several of them, within 1e-4.
        Reference.Close(expectedMetrics, metrics, 1e-5, "metrics");
        Reference.Close(expectedGradients, gradients, 1e-4, "gradients");
        Reference.Close(expectedLogits, logits, 1e-5, "logits");
    }

    private static (double[] Metrics, double[] Gradients, double[] Logits) Expected((float[] Metrics, float[] Gradients, float[] Logits) values) =>
        (Wide(values.Metrics), Wide(values.Gradients), Wide(values.Logits));

    private static double[] Wide(float[] values) => [.. values.Select(x => (double)x)];

    private static (float[] Metrics, float[] Gradients, float[] Logits) Run(string name, KernelMode kernels)
    {
        using var device = new Device(2, kernels);
        using var model = TestModels.Randomized(name, 5, device);
        using var program = model.CreateTrainingProgram(3, 21);
        var tokens = TestModels.Tokens(model, 3 * (21 + 1 + model.Info.MtpDepth), 1);
        tokens.CopyTo(new Span<int>(program.Tokens, tokens.Length));
        program.Forward();
        program.Backward();
        var gradients = new ReadOnlySpan<float>(program.Gradients, checked((int)model.Info.TrainableSize)).ToArray();
        return (program.Metrics.ToArray(), gradients, model.Forward(tokens.AsSpan(0, 21)));
    }
}
