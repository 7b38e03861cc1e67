using Mdl.EndToEnd.Tests;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Tests.Support;

/// <summary>What every device must do: the same checks for each.</summary>
internal static class Conformance
{
    /// <summary>Metrics within 1e-5 and gradients within 1e-4 of the reference evaluator, and the same next states.</summary>
    public static void CheckTraining(IlgpuDevice device, string name, int batch, int length)
    {
        using var model = ModelList.Create(name, device);
        var reference = ModelList.Reference(model, name);
        reference.Randomize(length + batch);
        reference.CheckTraining(batch, length, seed: batch);
    }

    /// <summary>Training at a few sizes, logits, and whether every kernel of the model has run.</summary>
    public static void CheckModel(IlgpuDevice device, string name)
    {
        CheckTraining(device, name, 1, 1);
        CheckTraining(device, name, 1, 7);
        CheckTraining(device, name, 3, 19);
        CheckLogits(device, name);
        CheckKernels(device, name);
    }

    /// <summary>Logits within 1e-5 of the reference evaluator.</summary>
    public static void CheckLogits(IlgpuDevice device, string name)
    {
        using var model = ModelList.Create(name, device);
        var reference = ModelList.Reference(model, name);
        reference.Randomize(1);
        int[] tokens = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8];
        Reference.Close(reference.Logits(tokens, 1)[0], model.Forward(tokens), 1e-5, "logits");
    }

    /// <summary>Every kernel that was generated for a model has run on the device.</summary>
    public static void CheckKernels(IlgpuDevice device, string name)
    {
        using var model = ModelList.Create(name);
        var kernels = KernelList.Of(model.GetType()).ToList();
        Assert.NotEmpty(kernels);
        Assert.Empty(kernels.Except(device.Kernels));
    }

    /// <summary>The likeliest tokens are those that the host finds, through the cache where the model has one.</summary>
    public static void CheckGeneration(IlgpuDevice device, string name, int prompt, int count)
    {
        using var host = ModelList.Randomized(name, 5);
        using var model = ModelList.Randomized(name, 5, device);
        var tokens = TestModels.Tokens(host, prompt, 1);
        if (name == "OddOne")
        {
            // Mixes tokens otherwise than by attention: it has no cache.
            Assert.Equal(Likeliest(host.Forward(tokens), host.Info.Vocabulary), Likeliest(model.Forward(tokens), host.Info.Vocabulary));
            return;
        }

        Assert.Equal(host.Generate(tokens, count), model.Generate(tokens, count));
    }

    /// <summary>Loss and gradient norm of each step within 1e-4 of the host's.</summary>
    public static void CheckSteps(IlgpuDevice device, string name, int steps)
    {
        using var hostModel = ModelList.Initialized(name, 3);
        using var model = ModelList.Initialized(name, 3, device);
        using var host = hostModel.CreateTrainer(new() { Batch = 3, Length = 11, Steps = steps, Settings = TestModels.Settings });
        using var trainer = model.CreateTrainer(new() { Batch = 3, Length = 11, Steps = steps, Settings = TestModels.Settings });
        for (var step = 0; step < steps; step++)
        {
            var tokens = TestModels.Tokens(model, trainer.TokensPerBatch, step);
            var (expected, actual) = (host.Step(tokens), trainer.Step(tokens));
            // Rounding differs, and the steps before have carried that on.
            Assert.Equal(expected.Loss, actual.Loss, expected.Loss * 1e-4);
            Assert.Equal(expected.GradientNorm, actual.GradientNorm, expected.GradientNorm * 1e-2);
        }
    }

    private static IEnumerable<int> Likeliest(float[] logits, int vocabulary) =>
        logits.Chunk(vocabulary).Select(row => Array.IndexOf(row, row.Max()));
}
