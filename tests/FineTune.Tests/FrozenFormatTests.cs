using LingLora;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Ling.FineTune.Tests;

/// <summary>Adapters beside frozen matrices in short formats.</summary>
public sealed class FrozenFormatTests
{
    [Theory]
    [InlineData(WeightFormat.BFloat16)]
    [InlineData(WeightFormat.Int8)]
    [InlineData(WeightFormat.Int4)]
    [InlineData(WeightFormat.Float8)]
    public void Training_is_that_beside_the_same_numbers_in_single_precision(WeightFormat format)
    {
        using var device = new Device(2);
        using var held = LingTiny.Create(device, seed: 5, format);
        using var single = new LingTiny(device);
        single.Store.CopyFrom(held.Store);
        Assert.True(held.WeightBytes < single.WeightBytes);
        using var trainer = held.CreateTrainer(new() { Batch = 2, Length = 30, Steps = 5 });
        using var other = single.CreateTrainer(new() { Batch = 2, Length = 30, Steps = 5 });
        Assert.Equal(other.MemoryBytes, trainer.MemoryBytes);
        var before = Numbers(held, frozen: true);
        for (var step = 1; step <= 5; step++)
        {
            int[] tokens = [.. Enumerable.Range(0, trainer.TokensPerBatch).Select(i => (i * 7 * step) % 320)];
            float[] weights = [.. tokens.Select(t => t % 3 == 0 ? 0f : 1f)];
            var (a, b) = (trainer.Step(tokens, weights), other.Step(tokens, weights));

            // The numbers are the same; products decode them in another order of additions: some roundings of 2^-24 in sums of a few hundred terms.
            Assert.Equal(b.Loss, a.Loss, 1e-5 * b.Loss);
            Assert.Equal(b.GradientNorm, a.GradientNorm, 1e-3 * b.GradientNorm);
        }

        Assert.Equal(before, Numbers(held, frozen: true));
        Assert.NotEqual(before.Length, Numbers(held, frozen: false).Length);
    }

    private static float[] Numbers(LanguageModel model, bool frozen)
    {
        var numbers = new List<float>();
        for (var p = 0; p < model.Info.Parameters.Count; p++)
        {
            var info = model.Info.Parameters[p];
            for (var i = 0; i < info.Instances && info.IsFrozen == frozen; i++)
            {
                var values = new float[info.InstanceSize];
                model.Store.Read(p, i, 0, values);
                numbers.AddRange(values);
            }
        }

        return [.. numbers];
    }
}
