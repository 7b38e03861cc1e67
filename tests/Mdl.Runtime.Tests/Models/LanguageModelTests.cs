using Mdl.Runtime.Generation;
using Mdl.Runtime.Tests.Support;

namespace Mdl.Runtime.Tests.Models;

public sealed class LanguageModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Forward_gives_the_logits_of_each_token()
    {
        using var model = BigramModel.Create(1);
        var logits = model.Forward([3, 7]);
        Assert.Equal(2 * BigramModel.Vocabulary, logits.Length);
        var expected = model.LogProbabilities(7);
        for (var i = 1; i < BigramModel.Vocabulary; i++)
        {
            // Log-probabilities are logits up to a constant; sums of f32 values of order one.
            Assert.Equal(expected[i] - expected[0], logits[12 + i] - logits[12], 1e-6);
        }

        Assert.Throws<ArgumentException>(() => model.Forward([]));
        Assert.Throws<ArgumentException>(() => model.Forward([12]));
    }

    [Fact]
    public void Generate_returns_the_continuation()
    {
        using var model = BigramModel.Create(1);
        using var generator = model.CreateGenerator(20);
        var expected = new int[8];
        generator.Generate([1, 2], expected, SamplingOptions.Greedy);
        Assert.Equal(expected, model.Generate([1, 2], 8));
    }

    [Fact]
    public void Saved_weights_load()
    {
        using var model = BigramModel.Create(1);
        using var other = BigramModel.Create(2);
        model.Save(_folder.File("model.safetensors"));
        other.LoadWeights(_folder.File("model.safetensors"));
        Assert.Equal(WeightInitializerTests.Floats(model), WeightInitializerTests.Floats(other));
    }
}
