using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;
using Mdl.Runtime.Training;
using Tuned;

namespace Mdl.EndToEnd.Tests;

/// <summary>Targets that do not count, frozen parameters and low-rank adapters.</summary>
public sealed unsafe class FineTuningTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-tune-");

    public static TheoryData<string, int, int> Cases()
    {
        var data = new TheoryData<string, int, int>();
        foreach (var name in (string[])["MaskedSmall", "AdaptedSmall", "NarrowSmall"])
        {
            data.Add(name, 1, 1);
            data.Add(name, 3, 19);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Training_agrees_with_the_reference(string name, int batch, int length)
    {
        using var model = TestModels.Create(name);
        var reference = new Reference(model, "tuned.mdl");
        reference.Randomize(length + batch);
        reference.CheckTraining(batch, length, seed: batch);
    }

    [Fact]
    public void A_target_without_weight_counts_for_nothing()
    {
        // The same tokens with the unweighted targets of the last places changed, which no other place sees: the loss of all depths stays to the bit.
        using var model = TestModels.Randomized("MaskedSmall", seed: 2);
        using var trainer = model.CreateTrainer(new() { Batch = 2, Length = 9, Steps = 4 });
        var tokens = TestModels.Tokens(model, trainer.TokensPerBatch, 3);
        var weights = new float[tokens.Length];
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = i % trainer.TokensPerSequence is >= 3 and < 7 ? 1 : 0;
        }

        var before = trainer.Evaluate(tokens, weights);
        for (var i = 0; i < weights.Length; i++)
        {
            tokens[i] = i % trainer.TokensPerSequence >= 10 ? (tokens[i] + 1) % model.Info.Vocabulary : tokens[i];
        }

        // Tokens from 10 on are targets of weight 0 and inputs of places of which no target has weight; routers' losses see them still.
        var after = trainer.Evaluate(tokens, weights);
        Assert.Equal((before.Nll, before.MtpNll), (after.Nll, after.MtpNll));
        Assert.NotEqual(before.Nll, trainer.Evaluate(tokens).Nll);
    }

    [Fact]
    public void A_batch_without_targets_has_no_loss()
    {
        using var model = TestModels.Randomized("MaskedSmall", seed: 2);
        using var trainer = model.CreateTrainer(new() { Batch = 2, Length = 9, Steps = 4 });
        var losses = trainer.Step(TestModels.Tokens(model, trainer.TokensPerBatch, 3), new float[trainer.TokensPerBatch]).Losses;
        Assert.Equal((0, 0), (losses.Nll, losses.MtpNll));
    }

    [Fact]
    public void Weights_that_are_none_are_told()
    {
        using var model = TestModels.Randomized("MaskedSmall", seed: 2);
        using var trainer = model.CreateTrainer(new() { Batch = 1, Length = 4, Steps = 4 });
        var tokens = new int[trainer.TokensPerBatch];
        Assert.Contains("7 weights", Assert.Throws<ArgumentException>(() => trainer.Step(tokens, new float[3])).Message, StringComparison.Ordinal);
        Assert.Contains("Weight 2 is -1", Assert.Throws<ArgumentException>(() => trainer.Step(tokens, [0, 0, -1, 0, 0, 0, 0])).Message, StringComparison.Ordinal);
        Assert.Contains("Weight 1 is NaN", Assert.Throws<ArgumentException>(() => trainer.Step(tokens, [0, float.NaN, 0, 0, 0, 0, 0])).Message, StringComparison.Ordinal);
        using var plain = TestModels.Randomized("DenseSmall", seed: 2);
        using var without = plain.CreateTrainer(new() { Batch = 1, Length = 4, Steps = 4 });
        var error = Assert.Throws<ArgumentException>(() => without.Step(new int[without.TokensPerBatch], new float[without.TokensPerBatch]));
        Assert.Contains("objective next_token(masked)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MaskedSmall")]
    [InlineData("AdaptedSmall")]
    [InlineData("NarrowSmall")]
    public void What_is_frozen_stays_to_the_bit_and_all_else_moves(string name)
    {
        using var model = TestModels.Randomized(name, seed: 4);
        var before = new ReadOnlySpan<float>(model.Weights, (int)model.Info.TotalSize).ToArray();
        using var trainer = model.CreateTrainer(new() { Batch = 2, Length = 12, Steps = 3, Settings = TestModels.Settings });
        for (var step = 0; step < 3; step++)
        {
            trainer.Step(TestModels.Tokens(model, trainer.TokensPerBatch, step));
        }

        Assert.Contains(model.Info.Parameters, p => p.IsFrozen);
        foreach (var p in model.Info.Parameters)
        {
            var same = new ReadOnlySpan<float>(model.Weights + p.Offset, (int)p.Size).SequenceEqual(before.AsSpan((int)p.Offset, (int)p.Size));
            Assert.True(same == p.IsFrozen, $"{p.Path} is {(p.IsFrozen ? "frozen and moved" : "not frozen and did not move")}");
        }
    }

    [Fact]
    public void The_source_decides_what_is_frozen()
    {
        string[] parts = ["embed.weight", "layers[{i}].attention_norm.weight", "query_norm.weight", "router.bias"];
        foreach (var p in MaskedSmall.ModelInfo.Parameters)
        {
            Assert.True(parts.Any(e => p.Path.EndsWith(e, StringComparison.Ordinal)) == p.IsFrozen, p.Path);
        }
    }

    [Fact]
    public void Gradients_and_moments_exist_for_adapters_alone()
    {
        var info = NarrowSmall.ModelInfo;
        var adapter = Assert.Single(info.Adapters);
        Assert.Equal((4, 2.0), (adapter.Rank, adapter.Scale));
        Assert.Equal(["layers[{i}].attention.qkv_lora_a", "layers[{i}].attention.qkv_lora_b"], info.Parameters.Where(p => p.IsTrained).Select(p => p.Path));
        Assert.Equal(2 * ((4 * 24) + (72 * 4)), info.TrainedCount);
        Assert.Equal(2 * ((4 * 24) + (72 * 4)), info.TrainableSize);
        using var model = new NarrowSmall();
        using var full = new MaskedSmall();
        using var trainer = model.CreateTrainer(new() { Batch = 1, Length = 8, Steps = 1 });
        using var all = full.CreateTrainer(new() { Batch = 1, Length = 8, Steps = 1 });
        Assert.True(trainer.MemoryBytes < all.MemoryBytes, $"{trainer.MemoryBytes} bytes with adapters, {all.MemoryBytes} without");
    }

    [Fact]
    public void Memory_is_known_before()
    {
        using var model = new MaskedSmall();
        using var trainer = model.CreateTrainer(new() { Batch = 3, Length = 50, Steps = 1 });
        var plan = MaskedSmall.PlanTraining(3, 50);
        using var adapted = new NarrowSmall();
        using var narrow = adapted.CreateTrainer(new() { Batch = 3, Length = 50, Steps = 1 });
        var narrowPlan = NarrowSmall.PlanTraining(3, 50);

        // Both round up to whole cache lines.
        Assert.Equal(trainer.MemoryBytes, plan.TotalBytes - plan.WeightBytes - plan.ScratchBytes, 400.0);
        Assert.Equal(narrow.MemoryBytes, narrowPlan.TotalBytes - narrowPlan.WeightBytes - narrowPlan.ScratchBytes, 400.0);
        Assert.Equal(4 * adapted.Info.TrainableSize, narrowPlan.GradientBytes);
    }

    [Fact]
    public void Adapters_that_are_not_merged_are_not_lost_in_a_folder()
    {
        var folder = Path.Combine(_folder.FullName, "published");
        using var model = TestModels.Randomized("AdaptedSmall", seed: 6);
        Assert.Contains("adapters", Assert.Throws<SafetensorsException>(() => model.SaveFolder(folder)).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void Merged_adapters_are_left_out_of_a_file()
    {
        var path = Path.Combine(_folder.FullName, "merged.safetensors");
        using var model = TestModels.Randomized("AdaptedSmall", seed: 6);
        model.Save(path);
        using (var with = SafetensorsFile.Open(path))
        {
            Assert.Contains(with.Tensors.Keys, k => k.EndsWith("_lora_b", StringComparison.Ordinal));
        }

        model.MergeAdapters();
        model.Save(path);
        using (var merged = SafetensorsFile.Open(path))
        {
            Assert.DoesNotContain(merged.Tensors.Keys, k => k.Contains("_lora_", StringComparison.Ordinal));
        }

        using var loaded = AdaptedSmall.Load(path);
        var tokens = TestModels.Tokens(model, 9, seed: 7);
        Assert.Equal(model.Forward(tokens), loaded.Forward(tokens));
    }

    [Theory]
    [InlineData("AdaptedSmall")]
    [InlineData("NarrowSmall")]
    public void Merged_adapters_compute_the_same(string name)
    {
        // The sum of matrices is an oracle for the sum of products: embeddings, experts and matrices stored either way round.
        using var model = TestModels.Randomized(name, seed: 6);
        var tokens = TestModels.Tokens(model, 14, seed: 7);
        var apart = model.Forward(tokens);
        model.MergeAdapters();
        Reference.Close([.. apart.Select(x => (double)x)], model.Forward(tokens), 1e-5, "logits");
        foreach (var adapter in model.Info.Adapters)
        {
            var b = model.Info.Parameters[adapter.B];
            Assert.False(new ReadOnlySpan<float>(model.Weights + b.Offset, (int)b.Size).ContainsAnyExcept(0));
        }
    }

    [Fact]
    public void Fresh_adapters_change_nothing()
    {
        using var model = TestModels.Randomized("AdaptedSmall", seed: 6);
        model.InitializeAdapters(seed: 1);
        var tokens = TestModels.Tokens(model, 14, seed: 7);
        var logits = model.Forward(tokens);
        foreach (var adapter in model.Info.Adapters)
        {
            var a = model.Info.Parameters[adapter.A];
            Assert.True(new ReadOnlySpan<float>(model.Weights + a.Offset, (int)a.Size).ContainsAnyExcept(0));
            new Span<float>(model.Weights + a.Offset, (int)a.Size).Clear();
        }

        // Products with B = 0 add exact zeros.
        Assert.Equal(logits, model.Forward(tokens));
    }

    [Fact]
    public void A_lower_rank_stays_lower_and_its_folder_has_no_more()
    {
        using var model = TestModels.Randomized("AdaptedSmall", seed: 6);
        model.InitializeAdapters(seed: 1, rank: 3);
        using (var trainer = model.CreateTrainer(new() { Batch = 2, Length = 12, Steps = 3, Settings = TestModels.Settings }))
        {
            trainer.Step(TestModels.Tokens(model, trainer.TokensPerBatch, 1));
            trainer.Step(TestModels.Tokens(model, trainer.TokensPerBatch, 2));
        }

        AdapterFolder.Save(model, _folder.FullName);
        using (var file = SafetensorsFile.Open(Path.Combine(_folder.FullName, "adapter_model.safetensors")))
        {
            Assert.Equal([3, 24], file.Tensors["base_model.model.layers[1].attention.qkv.lora_A.weight"].Shape);
            Assert.Equal([72, 3], file.Tensors["base_model.model.layers[1].attention.qkv.lora_B.weight"].Shape);
            Assert.Equal([3, 16], file.Tensors["base_model.model.layers[0].ffn.experts.down.4.lora_A.weight"].Shape);
        }

        Assert.Contains("\"lora_alpha\": 4.5", File.ReadAllText(Path.Combine(_folder.FullName, "adapter_config.json")), StringComparison.Ordinal);
        using var other = TestModels.Randomized("AdaptedSmall", seed: 6);
        AdapterFolder.Load(other, _folder.FullName);
        Assert.True(TestModels.WeightBytes(model).SequenceEqual(TestModels.WeightBytes(other)));
    }

    [Fact]
    public void An_adapter_folder_that_does_not_fit_is_told()
    {
        using var model = TestModels.Randomized("NarrowSmall", seed: 6);
        using var other = TestModels.Randomized("AdaptedSmall", seed: 6);
        AdapterFolder.Save(other, _folder.FullName);
        Assert.Contains("lora_alpha / r = 2", Assert.Throws<SafetensorsException>(() => AdapterFolder.Load(model, _folder.FullName)).Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder.FullName, "adapter_config.json"), """{"r": 4, "lora_alpha": 8}""");
        Assert.Contains("unexpected: base_model.model.embed", Assert.Throws<SafetensorsException>(() => AdapterFolder.Load(model, _folder.FullName)).Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder.FullName, "adapter_config.json"), "{}");
        Assert.Contains("\"r\" must be there", Assert.Throws<SafetensorsException>(() => AdapterFolder.Load(model, _folder.FullName)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MaskedSmall")]
    [InlineData("AdaptedSmall")]
    public void A_resumed_run_has_the_same_bits_on_any_number_of_threads(string name)
    {
        var path = Path.Combine(_folder.FullName, "run.safetensors");
        using var one = new Device(1);
        using var three = new Device(3);
        using var whole = TestModels.Randomized(name, seed: 8, one);
        using var first = TestModels.Randomized(name, seed: 8, three);
        using var second = TestModels.Randomized(name, seed: 8, three);
        Run(whole, null, path + ".unused", 0, 6);
        Run(first, null, path, 0, 3);
        Run(second, path, path, 3, 6);
        Assert.True(TestModels.WeightBytes(whole).SequenceEqual(TestModels.WeightBytes(second)));
        if (whole.Info.Adapters.Count > 0)
        {
            using var file = SafetensorsFile.Open(path);
            Assert.All(file.Tensors.Keys, k => Assert.Contains("_lora_", k, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Adapters_start_beside_the_weights_of_a_model_without_them()
    {
        var path = Path.Combine(_folder.FullName, "base.safetensors");
        using var model = TestModels.Randomized("NarrowSmall", seed: 9);
        model.InitializeAdapters(seed: 0);
        // As the class without adapters would have written it.
        var writer = new SafetensorsWriter();
        for (var p = 0; p < model.Info.Parameters.Count; p++)
        {
            for (var i = 0; i < model.Info.Parameters[p].Instances && !model.Info.IsAdapter(p); i++)
            {
                writer.Add(model.Info.Parameters[p].InstancePath(i), model.GetTensor(p, i));
            }
        }

        writer.Save(path);
        using var loaded = NarrowSmall.Load(path);
        Assert.True(TestModels.WeightBytes(model).SequenceEqual(TestModels.WeightBytes(loaded)));
    }

    [Fact]
    public void Adapters_learn()
    {
        using var model = TestModels.Initialized("NarrowSmall", seed: 1);
        using var trainer = model.CreateTrainer(new() { Batch = 4, Length = 16, Steps = 60, Settings = TestModels.Settings });
        var tokens = TestModels.Tokens(model, trainer.TokensPerBatch, 1);
        var before = trainer.Evaluate(tokens).Nll;
        for (var step = 0; step < 60; step++)
        {
            trainer.Step(tokens);
        }

        // Fresh weights of 0.02 leave logits near 0 whatever attention does, so little can be gained; but it is gained, every time.
        Assert.True(trainer.Evaluate(tokens).Nll < before, $"{trainer.Evaluate(tokens).Nll} after, {before} before");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static void Run(LanguageModel model, string? from, string to, int begin, int end)
    {
        using var trainer = model.CreateTrainer(new() { Batch = 2, Length = 12, Steps = 6, Settings = TestModels.Settings });
        if (from is not null)
        {
            trainer.Load(from);
        }

        for (var step = begin; step < end; step++)
        {
            var tokens = TestModels.Tokens(model, trainer.TokensPerBatch, step);
            trainer.Step(tokens, model.Info.Name == "MaskedSmall" ? [.. tokens.Select(t => t % 3 == 0 ? 0f : 1f)] : []);
        }

        trainer.Save(to);
    }
}
