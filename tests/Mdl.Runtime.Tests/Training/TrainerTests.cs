using System.Globalization;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
using Mdl.Runtime.RandomNumbers;
using Mdl.Runtime.Tests.Models;
using Mdl.Runtime.Tests.Support;
using Mdl.Runtime.Training;

namespace Mdl.Runtime.Tests.Training;

public sealed unsafe class TrainerTests : IDisposable
{
    private static readonly TrainingOptions Options = new() { Batch = 2, Length = 5, Steps = 40 };
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void First_step_follows_the_formulas()
    {
        using var model = BigramModel.Create(1);
        using var trainer = new Trainer(model, Options);
        var before = WeightInitializerTests.Floats(model);
        var tokens = Tokens(1);
        var expectedLoss = 0.0;
        for (var i = 0; i < 10; i++)
        {
            var place = (i / 5 * 6) + (i % 5);
            expectedLoss -= model.LogProbabilities(tokens[place])[tokens[place + 1]] / 10;
        }

        var gradient = Gradient(model, tokens);
        var norm = Math.Sqrt(gradient.Sum(g => (double)g * g));
        var result = trainer.Step(tokens);

        // f32 sums of ten terms of order one.
        Assert.Equal(expectedLoss, result.Loss, 1e-6);
        Assert.Equal(result.Loss, result.Nll);
        Assert.Equal(norm, result.GradientNorm, 1e-6);
        Assert.Equal(1, result.Step);
        // One of three warm-up steps.
        Assert.Equal(0.05 / 3, result.LearningRate, 1e-12);
        var after = WeightInitializerTests.Floats(model);
        for (var i = 0; i < BigramModel.Bias; i++)
        {
            // After one step both corrected moments equal the clipped gradient and its square, so the update is its sign (or zero).
            var clipped = gradient[i] * Math.Min(1, 1 / norm);
            var decay = i < BigramModel.Gain ? 0.1 * before[i] : 0;
            var expected = before[i] - (0.05 / 3 * ((clipped / (Math.Abs(clipped) + 1e-8)) + decay));
            // f32 rounding of a weight of order one and of the two corrections, 1 - 0.9 and 1 - 0.95, which lose four bits.
            Assert.Equal(expected, after[i], 1e-6);
        }

        Assert.Equal([1, 1, 1, 1], model.GetTensor(2).AsSpan().ToArray());
    }

    [Fact]
    public void Training_learns()
    {
        using var model = BigramModel.Create(1);
        using var trainer = new Trainer(model, Options with { Steps = 200 });
        var tokens = Tokens(1);
        var first = trainer.Step(tokens).Loss;
        for (var i = 1; i < 200; i++)
        {
            trainer.Step(tokens);
        }

        Assert.InRange(trainer.Evaluate(tokens).Loss, 0, first / 2);
    }

    [Fact]
    public void Resumed_training_gives_the_same_bytes()
    {
        var straight = _folder.File("straight.safetensors");
        var resumed = _folder.File("resumed.safetensors");
        using (var model = BigramModel.Create(1))
        using (var trainer = new Trainer(model, Options))
        {
            Train(trainer, 40);
            trainer.Save(straight);
        }

        using (var model = BigramModel.Create(1))
        using (var trainer = new Trainer(model, Options))
        {
            Train(trainer, 20);
            trainer.Save(resumed, new Dictionary<string, string> { ["seed"] = "3" });
        }

        using (var model = BigramModel.Create(77))
        using (var trainer = new Trainer(model, Options))
        {
            var metadata = trainer.Load(resumed);
            Assert.Equal("3", metadata["seed"]);
            Assert.Equal(20, trainer.StepsDone);
            Train(trainer, 40);
            trainer.Save(resumed);
        }

        Assert.Equal(File.ReadAllBytes(straight), File.ReadAllBytes(resumed));
    }

    [Fact]
    public void A_training_checkpoint_is_a_model_but_a_model_is_no_training_checkpoint()
    {
        using var model = BigramModel.Create(1);
        using var other = BigramModel.Create(2);
        using var trainer = new Trainer(model, Options);
        Train(trainer, 1);
        var path = _folder.File("training.safetensors");
        trainer.Save(path);
        Checkpoint.LoadModel(other, path);
        Assert.Equal(WeightInitializerTests.Floats(model), WeightInitializerTests.Floats(other));

        Checkpoint.SaveModel(other, path);
        Assert.Contains("not a training checkpoint", Assert.Throws<SafetensorsException>(() => trainer.Load(path)).Message);
        Checkpoint.SaveModel(other, path, new Dictionary<string, string> { ["step"] = "5" });
        var message = Assert.Throws<SafetensorsException>(() => trainer.Load(path)).Message;
        Assert.Contains("6 missing: optimizer.m.table, optimizer.m.layers[0].gain", message);
        Assert.Equal(1, trainer.StepsDone);
    }

    [Fact]
    public void The_number_of_threads_does_not_matter()
    {
        using var model = BigramModel.Create(1);
        using var trainer = new Trainer(model, Options);
        Train(trainer, 5);
        using var device = new Device(3);
        using var other = new BigramModel(device);
        other.Initialize(1);
        using var otherTrainer = other.CreateTrainer(Options);
        Train(otherTrainer, 5);
        Assert.Equal(WeightInitializerTests.Floats(model), WeightInitializerTests.Floats(other));
    }

    [Fact]
    public void Evaluation_changes_nothing()
    {
        using var model = BigramModel.Create(1);
        using var trainer = new Trainer(model, Options);
        Train(trainer, 3);
        var weights = WeightInitializerTests.Floats(model);
        var metrics = trainer.Metrics.ToArray();
        var losses = trainer.Evaluate(Tokens(99));
        Assert.NotEqual(metrics[0], losses.Loss);
        Assert.Equal(weights, WeightInitializerTests.Floats(model));
        Assert.Equal(metrics, trainer.Metrics.ToArray());
        Assert.Equal(3, trainer.StepsDone);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Divergence_is_reported_before_anything_changes(float poison)
    {
        using var model = BigramModel.Create(1);
        using var trainer = new Trainer(model, Options);
        Train(trainer, 2);
        model.GetTensor(1).AsSpan()[0] = poison;
        var weights = WeightInitializerTests.Floats(model);
        var exception = Assert.Throws<TrainingDivergedException>(() => trainer.Step(Tokens(5)));
        Assert.Equal(string.Create(
            CultureInfo.InvariantCulture, $"Training diverged: the loss is {exception.Value} at step 3; the weights are those of step 2."), exception.Message);
        Assert.False(double.IsFinite(exception.Value));
        Assert.Equal(3, exception.Step);
        Assert.Equal(weights, WeightInitializerTests.Floats(model));
        Assert.Equal(2, trainer.StepsDone);
    }

    [Fact]
    public void Loads_are_those_of_the_last_step()
    {
        using var model = BigramModel.Create(1);
        using var trainer = new Trainer(model, Options);
        trainer.Step([0, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 0]);
        Assert.Equal([7, 1, 1, 1, 6, 2, 1, 1], trainer.Loads(model.Info.Metrics[2]).ToArray());
    }

    [Fact]
    public void Steps_allocate_nothing()
    {
        using var model = BigramModel.Create(1);
        using var trainer = new Trainer(model, Options);
        var tokens = Tokens(1);
        trainer.Step(tokens);
        trainer.Evaluate(tokens);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
        {
            trainer.Step(tokens);
            trainer.Evaluate(tokens);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Refuses_wrong_tokens_and_options()
    {
        using var model = BigramModel.Create(1);
        using var trainer = new Trainer(model, Options);
        Assert.Contains("2 x 6 = 12 tokens, not 3", Assert.Throws<ArgumentException>(() => trainer.Step([1, 2, 3])).Message);
        var tokens = Tokens(1);
        tokens[7] = 12;
        Assert.Contains("Token 7 is 12; the vocabulary has the tokens 0 to 11", Assert.Throws<ArgumentException>(() => trainer.Step(tokens)).Message);
        Assert.Equal(0, trainer.StepsDone);
        AssertRefused("Steps is 0", Options with { Steps = 0 });
        AssertRefused("Batch is 0", Options with { Batch = 0 });
        AssertRefused("Length is -1", Options with { Length = -1 });
        AssertRefused("Batch x Length is 1000000000 x 5", Options with { Batch = 1_000_000_000 });
        AssertRefused("Beta1 is 1;", Options with { Settings = BigramModel.Settings with { Beta1 = 1 } });
        AssertRefused("LearningRate is NaN", Options with { Settings = BigramModel.Settings with { LearningRate = double.NaN } });
        AssertRefused("schedule \"step\" is unknown", Options with { Settings = BigramModel.Settings with { Schedule = "step" } });

        void AssertRefused(string expected, TrainingOptions options) =>
            Assert.Contains(expected, Assert.Throws<ArgumentException>(() => new Trainer(model, options).Dispose()).Message);
    }

    private static void Train(Trainer trainer, int until)
    {
        while (trainer.StepsDone < until)
        {
            trainer.Step(Tokens(trainer.StepsDone));
        }
    }

    private static int[] Tokens(long step)
    {
        var philox = new Philox(1, (ulong)step);
        return [.. Enumerable.Range(0, 12).Select(i => (int)philox.Below((ulong)i, BigramModel.Vocabulary))];
    }

    private static float[] Gradient(BigramModel model, int[] tokens)
    {
        using var program = model.CreateTrainingProgram(2, 5);
        tokens.CopyTo(new Span<int>(program.Tokens, tokens.Length));
        program.Forward();
        program.Backward();
        return new Span<float>(program.Gradients, (int)BigramModel.Bias).ToArray();
    }
}
