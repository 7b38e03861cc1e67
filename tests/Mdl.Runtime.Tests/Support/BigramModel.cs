using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Tests.Support;

/// <summary>
/// The smallest language model with all that a generated one has: a matrix (decays), a repeated vector (does not), a state, a load.
/// Logits of the token after t are <c>table[t] + layers[0].gain + layers[1].gain</c>; the state <c>router.bias</c> counts committed steps.
/// </summary>
public sealed unsafe class BigramModel : LanguageModel
{
    public const int Vocabulary = 12;
    public const long Table = 0;
    public const long Gain = 144;
    public const long Bias = 176;

    public static readonly TrainSettings Settings = new(
        LearningRate: 0.05, Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, WeightDecay: 0.1, Clip: 1, Schedule: "cosine", Warmup: 3, FinalRate: 0.1, DecayShare: 0.2);

    public BigramModel(Device device)
        : base(device, CreateInfo())
    {
    }

    public static BigramModel Create(ulong seed)
    {
        var model = new BigramModel(Device.Host);
        model.Initialize(seed);
        return model;
    }

    /// <summary>The inference program created last.</summary>
    public BigramInference? LastInference { get; private set; }

    /// <summary>The natural logarithms of the model's probabilities after a token.</summary>
    public double[] LogProbabilities(int token)
    {
        var logits = new double[Vocabulary];
        for (var i = 0; i < Vocabulary; i++)
        {
            logits[i] = Weights[Table + (token * Vocabulary) + i] + Weights[Gain + i] + Weights[Gain + Vocabulary + i];
        }

        var norm = Math.Log(logits.Sum(Math.Exp));
        return [.. logits.Select(x => x - norm)];
    }

    public override TrainingProgram CreateTrainingProgram(int batch, int length) => new BigramTraining(this, batch, length);

    public override InferenceProgram CreateInferenceProgram(int slots, int rows, int capacity, CacheFormat format) =>
        LastInference = new BigramInference(this, slots, rows, capacity);

    private static ModelInfo CreateInfo() => new(
        "Bigram",
        [
            new ParameterInfo("table", Table, [Vocabulary, Vocabulary], 0, 0, new Initializer(true, 0.5), false),
            new ParameterInfo("layers[{i}].gain", Gain, [Vocabulary], 2, 0, new Initializer(true, 0.1), false),
            new ParameterInfo("router.bias", Bias, [4], 0, 0, new Initializer(false, 0), true),
        ],
        TrainableSize: Bias,
        TotalSize: 192,
        Vocabulary,
        MtpDepth: 0,
        Settings,
        [
            new MetricInfo("loss", false, 1, 1, 0),
            new MetricInfo("nll", false, 1, 1, 1),
            new MetricInfo("moe", true, 2, 4, 2),
        ]);
}
