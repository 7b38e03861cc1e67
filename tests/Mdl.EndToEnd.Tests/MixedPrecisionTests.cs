using Mdl.Compiler;
using Mdl.Dsl;
using Mdl.Runtime.Devices;

namespace Mdl.EndToEnd.Tests;

/// <summary>Training in <c>precision bf16</c>.</summary>
public sealed class MixedPrecisionTests
{
    [Fact]
    public void Only_products_of_training_that_no_parameter_in_f32_takes_part_in_are_rounded()
    {
        using var stream = typeof(MixedPrecisionTests).Assembly.GetManifestResourceStream("mixed.mdl")!;
        var result = MdlCompiler.Compile(new SourceText("mixed.mdl", new StreamReader(stream).ReadToEnd()), _ => null, new CompileOptions("Mdl", false), default);
        var files = result.Files.ToDictionary(f => f.Name, f => f.Text);
        Assert.DoesNotContain("BFloat16", files["MixedSmall.Inference.g.cs"], StringComparison.Ordinal);
        var products = files["MixedSmall.Training.g.cs"].Split('\n').Where(line => line.Contains("Gemm.", StringComparison.Ordinal) && line.Contains("_team", StringComparison.Ordinal)).ToArray();
        // In the loops: the product with `mix`, and its two gradients.
        Assert.Equal(3, products.Count(line => !line.Contains("arithmetic: ElementFormat.BFloat16", StringComparison.Ordinal)));
        Assert.True(products.Length > 12, $"{products.Length} products");
    }

    [Fact]
    public void Loss_and_gradients_are_those_of_f32_but_for_rounded_operands()
    {
        // Kernels for bfloat16 wherever the processor has any, however slow.
        using var device = new Device(2, KernelModes.FromEnvironment() == KernelMode.Portable ? KernelMode.Portable : Best());
        using var model = TestModels.Create("MixedSmall", device);
        var reference = new Reference(model, "mixed.mdl");
        reference.Randomize(4);
        // An operand is off by at most 2^-9 of itself, a product of two by 2^-8 = 0.4 %. Errors of the terms of a sum are independent, and a few layers
        // chain a handful of products: 2 % for the loss, and 5 % of the largest element for gradients, whose sums over tokens cancel in part.
        reference.CheckTraining(3, 19, seed: 2, forward: 2e-2, gradients: 5e-2);
    }

    [Fact]
    public void Results_do_not_depend_on_the_number_of_threads()
    {
        float[]? expected = null;
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var device = new Device(threads);
            using var model = TestModels.Randomized("MixedSmall", 5, device);
            using var program = model.CreateTrainingProgram(3, 21);
            var gradients = Gradients(model, program);
            expected ??= gradients;
            Assert.Equal(expected, gradients);
        }
    }

    private static KernelMode Best()
    {
        try
        {
            using var device = new Device(1, KernelMode.Assembled);
            return KernelMode.Assembled;
        }
        catch (PlatformNotSupportedException)
        {
            return KernelMode.Auto;
        }
    }

    private static unsafe float[] Gradients(Mdl.Runtime.Models.LanguageModel model, Mdl.Runtime.Models.TrainingProgram program)
    {
        var tokens = TestModels.Tokens(model, 3 * 22, 1);
        tokens.CopyTo(new Span<int>(program.Tokens, tokens.Length));
        program.Forward();
        program.Backward();
        return new ReadOnlySpan<float>(program.Gradients, checked((int)model.Info.TrainableSize)).ToArray();
    }
}
