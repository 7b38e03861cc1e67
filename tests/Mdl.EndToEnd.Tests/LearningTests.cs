using Mdl.Runtime.Models;
using Mdl.Runtime.Training;

namespace Mdl.EndToEnd.Tests;

/// <summary>Training finds what is to be found in a text, and the routers' biases spread its tokens over the experts.</summary>
public sealed class LearningTests
{
    private const int Period = 29;

    [Theory]
    [InlineData("LingTiny")]
    [InlineData("DenseSmall")]
    public void A_repetitive_text_is_learnt(string name)
    {
        using var model = TestModels.Initialized(name, seed: 1);
        using var trainer = Trainer(model);
        Losses last = default;
        for (var step = 0; step < 120; step++)
        {
            last = trainer.Step(Batch(model, trainer, step)).Losses;
        }

        // Every token of the period occurs equally often: the unigram entropy is log(29) = 3.37 nats. The text continues in one way only, so what
        // a model that has learnt it is left with is close to 0; a tenth of the entropy leaves room for other roundings on other processors.
        var entropy = Math.Log(Period);
        Assert.True(last.Nll < entropy / 10, $"the loss is {last.Nll}, the unigram entropy {entropy}");
        if (model.Info.MtpDepth > 0)
        {
            Assert.True(last.MtpNll < entropy / 10, $"the mtp loss is {last.MtpNll}, the unigram entropy {entropy}");
        }
    }

    [Fact]
    public void The_bias_balances_the_load()
    {
        var with = Imbalance(advanceBias: true);
        var without = Imbalance(advanceBias: false);
        Assert.True(with < 0.8 * without, $"the fullest expert has {with:F2} times the mean load with the bias and {without:F2} times without");
    }

    /// <summary>The load of the fullest expert over the mean load, as a mean over layers and the last steps.</summary>
    private static unsafe double Imbalance(bool advanceBias)
    {
        using var model = TestModels.Initialized("LingTiny", seed: 1);
        using var trainer = Trainer(model);
        var loads = model.Info.Metrics.Where(m => m.IsLoad).ToList();
        double sum = 0;
        var count = 0;
        for (var step = 0; step < 120; step++)
        {
            trainer.Step(Batch(model, trainer, step));
            foreach (var state in model.Info.Parameters.Where(p => p.IsState && !advanceBias))
            {
                new Span<float>(model.Weights + state.Offset, (int)state.Size).Clear();
            }

            foreach (var load in loads.Where(_ => step >= 80))
            {
                for (var row = 0; row < load.Rows; row++)
                {
                    var values = trainer.Loads(load).Slice(row * load.Columns, load.Columns).ToArray();
                    sum += values.Max() / values.Average();
                    count++;
                }
            }
        }

        return sum / count;
    }

    private static Trainer Trainer(LanguageModel model) =>
        model.CreateTrainer(new() { Batch = 4, Length = 24, Steps = 120, Settings = TestModels.Settings });

    // A permutation of the first 29 tokens over and over, each sequence from another place.
    private static int[] Batch(LanguageModel model, Trainer trainer, int step)
    {
        var random = new Random(step);
        var width = trainer.TokensPerSequence;
        var tokens = new int[trainer.TokensPerBatch];
        for (var begin = 0; begin < tokens.Length; begin += width)
        {
            var phase = random.Next(Period);
            for (var i = 0; i < width; i++)
            {
                tokens[begin + i] = (phase + i) * 12 % Period;
            }
        }

        Assert.True(model.Info.Vocabulary >= Period);
        return tokens;
    }
}
