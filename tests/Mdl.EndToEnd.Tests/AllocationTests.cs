using Mdl.Runtime.Devices;
using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;

namespace Mdl.EndToEnd.Tests;

/// <summary>Keeps tests that count the process's memory away from the others.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>Steps and tokens of generated models allocate no managed memory once they have run.</summary>
[Collection(nameof(Alone))]
public sealed class AllocationTests
{
    [Theory]
    [InlineData("LingTiny", 1)]
    [InlineData("LingTiny", 3)]
    [InlineData("DenseSmall", 2)]
    [InlineData("SwitchCapacity", 2)]
    [InlineData("MaskedSmall", 2)]
    [InlineData("AdaptedSmall", 2)]
    public void A_training_step_allocates_nothing(string name, int threads)
    {
        using var device = new Device(threads);
        using var model = TestModels.Initialized(name, 1, device);

        // A micro-kernel is assembled when a product first has so many rows. Where tokens change experts while the model learns, that may be late: adapters of
        // experts, narrow products of many heights, are looked at without learning.
        var settings = name == "AdaptedSmall" ? TestModels.Settings with { LearningRate = 0 } : TestModels.Settings;
        using var trainer = model.CreateTrainer(new() { Batch = 4, Length = 20, Steps = 1000, Settings = settings });
        var tokens = TestModels.Tokens(model, trainer.TokensPerBatch, 1);
        CheckNothing(() => trainer.Step(tokens));
        CheckNothing(() => trainer.Evaluate(tokens));
        if (model.Info.IsMasked)
        {
            float[] weights = [.. tokens.Select(t => t % 2)];
            CheckNothing(() => trainer.Step(tokens, weights));
        }
    }

    [Theory]
    [InlineData("LingTiny", 1)]
    [InlineData("LingTiny", 3)]
    [InlineData("DenseSmall", 2)]
    [InlineData("SwitchDropless", 2)]
    public void A_decoded_token_allocates_nothing(string name, int threads)
    {
        using var device = new Device(threads);
        using var model = TestModels.Initialized(name, 1, device);
        using var generator = model.CreateGenerator(32);
        var prompt = TestModels.Tokens(model, 5, 1);
        var output = new int[12];
        var options = new SamplingOptions { Temperature = 0.8, TopK = 10, TopP = 0.9, RepetitionPenalty = 1.1 };
        CheckNothing(() => generator.Generate(prompt, output, options));
    }

    [Theory]
    [InlineData("LingTiny", 1, CacheFormat.Single)]
    [InlineData("LingTiny", 3, CacheFormat.SByte)]
    [InlineData("SwitchDropless", 2, CacheFormat.BFloat16)]
    public void Steps_of_sessions_allocate_nothing(string name, int threads, CacheFormat format)
    {
        using var device = new Device(threads);
        using var model = TestModels.Initialized(name, 1, device);
        using var pool = model.CreateSessions(3, 32, 8, format);
        int[][] prompts = [TestModels.Tokens(model, 5, 1), TestModels.Tokens(model, 20, 2), TestModels.Tokens(model, 1, 3)];
        var options = new SamplingOptions { Temperature = 0.8, TopK = 10, TopP = 0.9, RepetitionPenalty = 1.1, MaxTokens = 4 };
        CheckNothing(() =>
        {
            using var first = pool.Open(prompts[0], options);
            using var second = pool.Open(prompts[1], options);
            using var third = pool.Open(prompts[2], options);
            while (pool.Step())
            {
            }
        });
    }

    private static void CheckNothing(Action run)
    {
        // The first call of a method compiles it, which allocates; paths that only some data take (experts beyond their capacity) come later.
        for (var i = 0; i < 10; i++)
        {
            run();
        }

        var own = GC.GetAllocatedBytesForCurrentThread();
        run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - own);

        // The threads of the test runner allocate now and then: one quiet round shows that the work itself does not.
        var least = long.MaxValue;
        for (var round = 0; round < 50 && least > 0; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            run();
            run();
            run();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Assert.Equal(0, least);
    }
}
