using Mdl.Runtime.Devices;

namespace Mdl.EndToEnd.Tests;

/// <summary>Models on several threads may share a device: their launches take turns, and none disturbs the scratch memory of another.</summary>
public sealed class SharedDeviceTests
{
    [Fact]
    public void Models_on_two_threads_give_the_bits_that_each_gives_alone()
    {
        (string Name, int Batch, int Length)[] runs = [("LingTiny", 6, 23), ("DenseSmall", 2, 57), ("LingDeep", 3, 9)];
        float[][] alone = [.. runs.Select(r => Run(null, r.Name, r.Batch, r.Length))];
        // Scratch memory grows while the device is new: only then can it move under another's feet.
        for (var round = 0; round < 5; round++)
        {
            using var device = new Device(3);
            var results = new float[runs.Length][];
            var threads = runs.Select((r, i) => new Thread(() => results[i] = Run(device, r.Name, r.Batch, r.Length))).ToList();
            threads.ForEach(t => t.Start());
            threads.ForEach(t => t.Join());
            Assert.Equal(alone, results);
        }
    }

    private static float[] Run(Device? device, string name, int batch, int length)
    {
        using var own = device is null ? new Device(1) : null;
        using var model = TestModels.Initialized(name, 1, device ?? own);
        using var trainer = model.CreateTrainer(new() { Batch = batch, Length = length, Settings = TestModels.Settings });
        var results = new List<float>();
        for (var step = 0; step < 6; step++)
        {
            var result = trainer.Step(TestModels.Tokens(model, trainer.TokensPerBatch, step));
            results.Add((float)result.Loss);
            results.Add((float)result.GradientNorm);
        }

        foreach (var token in model.Generate(TestModels.Tokens(model, 9, 1), 8))
        {
            results.Add(token);
        }

        return [.. results];
    }
}
