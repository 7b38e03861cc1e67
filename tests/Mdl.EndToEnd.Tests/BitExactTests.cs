using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;
using Mdl.Runtime.Training;

namespace Mdl.EndToEnd.Tests;

/// <summary>The same seed and tokens give the same bits: across interruptions, numbers of threads, and repetitions.</summary>
public sealed class BitExactTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-bits-");

    public static TheoryData<string> Names => ["LingTiny", "LingDeep", "DenseSmall", "SwitchCapacity", "SwitchDropless", "ForeignAngles"];

    [Theory]
    [InlineData("LingTiny")]
    [InlineData("SwitchCapacity")]
    public void Training_40_steps_is_training_20_and_resuming(string name)
    {
        using var device = new Device(2);
        var losses = new List<Losses>();
        var whole = Run(device, name, resume: null, steps: 40, "whole", losses.Add);

        var parts = new List<Losses>();
        var half = Run(device, name, resume: null, steps: 20, "half", parts.Add);
        Assert.NotEqual(whole, half);
        using var other = new Device(2);
        var resumed = Run(other, name, resume: "half", steps: 20, "resumed", parts.Add);

        Assert.Equal(losses, parts);
        Assert.True(whole.AsSpan().SequenceEqual(resumed), "weights, moments or states differ after the resume");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Training_gives_the_same_bits_with_any_number_of_threads(string name)
    {
        byte[]? expected = null;
        List<Losses>? expectedLosses = null;
        foreach (var threads in (int[])[1, 2, 3, 2])
        {
            using var device = new Device(threads);
            var losses = new List<Losses>();
            var bytes = Run(device, name, resume: null, steps: 4, $"threads-{threads}", losses.Add);
            expected ??= bytes;
            expectedLosses ??= losses;
            Assert.Equal(expectedLosses, losses);
            Assert.True(expected.AsSpan().SequenceEqual(bytes), $"{threads} threads give other bits than one");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_have_the_same_bits_with_any_number_of_threads(string name)
    {
        float[]? expected = null;
        foreach (var threads in (int[])[1, 2, 3, 2])
        {
            using var device = new Device(threads);
            using var model = TestModels.Randomized(name, 1, device);
            var tokens = TestModels.Tokens(model, 32, seed: 1);
            var logits = model.Forward(tokens);
            expected ??= logits;
            Assert.Equal(expected, logits);
            Assert.Equal(expected, model.Forward(tokens));
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Trains a new model and returns all bytes of its checkpoint.</summary>
    private byte[] Run(Device device, string name, string? resume, int steps, string save, Action<Losses> onStep)
    {
        using var model = TestModels.Initialized(name, seed: 7, device);
        // 8 x 29 rows are several blocks of every kernel, the last one cut short.
        using var trainer = model.CreateTrainer(new() { Batch = 8, Length = 29, Steps = 40, Settings = TestModels.Settings });
        if (resume is not null)
        {
            trainer.Load(PathOf(resume));
        }

        for (var i = 0; i < steps; i++)
        {
            onStep(trainer.Step(TestModels.Tokens(model, trainer.TokensPerBatch, (int)trainer.StepsDone)).Losses);
        }

        trainer.Save(PathOf(save));
        return File.ReadAllBytes(PathOf(save));
    }

    private string PathOf(string name) => Path.Combine(_folder.FullName, name + ".safetensors");
}
