using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;
using Mdl.Runtime.Training;
using Tiny;

namespace Mdl.EndToEnd.Tests;

/// <summary>The generated models of the test files by name, and the batches they are trained on.</summary>
internal static class TestModels
{
    /// <summary>Rates large enough that a few steps move every weight by far more than rounding does.</summary>
    public static TrainSettings Settings { get; } = new(
        LearningRate: 1e-2, Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, WeightDecay: 0.1, Clip: 1, Schedule: "wsd", Warmup: 5, FinalRate: 0.1, DecayShare: 0.3);

    public static LanguageModel Create(string name, Device? device = null) => name switch
    {
        "DenseSmall" => new DenseSmall(device),
        "LingTiny" => new LingTiny(device),
        "LingFixture" => new LingFixture(device),
        "LingStretched" => new LingStretched(device),
        "LingDeep" => new LingDeep(device),
        "LingBlocks" => new LingBlocks(device),
        "SwitchCapacity" => new SwitchCapacity(device),
        "SwitchDropless" => new SwitchDropless(device),
        "OddOne" => new OddOne(device),
        "LingLiteTiny" => new LingLiteTiny(device),
        "ForeignAngles" => new ForeignAngles(device),
        "MaskedSmall" => new Tuned.MaskedSmall(device),
        "AdaptedSmall" => new Tuned.AdaptedSmall(device),
        "NarrowSmall" => new Tuned.NarrowSmall(device),
        "MixedSmall" => new Mixed.MixedSmall(device),
        _ => throw new ArgumentException($"There is no test model {name}.", nameof(name)),
    };

    public static string FileOf(string name) =>
        name == "LingLiteTiny" ? "lite.mdl" : name.StartsWith("Ling", StringComparison.Ordinal) ? "sparse.mdl" : name.StartsWith("Dense", StringComparison.Ordinal) ? "tiny.mdl"
        : name is "MaskedSmall" or "AdaptedSmall" or "NarrowSmall" ? "tuned.mdl" : name.StartsWith("Foreign", StringComparison.Ordinal) ? "foreign.mdl" : name.StartsWith("Mixed", StringComparison.Ordinal) ? "mixed.mdl" : "zoo.mdl";

    /// <summary>A model with freshly drawn weights of training's size.</summary>
    public static LanguageModel Initialized(string name, ulong seed, Device? device = null)
    {
        var model = Create(name, device);
        model.Initialize(seed);
        return model;
    }

    /// <summary>A model in which every path matters: gains near 1, biases near 0, matrices larger than training would start with.</summary>
    public static LanguageModel Randomized(string name, int seed, Device? device = null) => Randomized(Create(name, device), seed);

    /// <summary>The same for a model that is there.</summary>
    public static unsafe LanguageModel Randomized(LanguageModel model, int seed)
    {
        var random = new Random(seed);
        foreach (var p in model.Info.Parameters)
        {
            for (long i = 0; i < p.Size; i++)
            {
                var noise = (random.NextDouble() * 2) - 1;
                model.Weights[p.Offset + i] = (float)(p.Initial.IsNormal ? noise * 0.4 : p.Initial.Value + (noise * 0.2));
            }
        }

        return model;
    }

    public static int[] Tokens(LanguageModel model, int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(model.Info.Vocabulary))];
    }

    public static unsafe ReadOnlySpan<byte> WeightBytes(LanguageModel model) => new(model.Weights, checked((int)(model.Info.TotalSize * sizeof(float))));
}
