using System.Text.Json.Nodes;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Models;
using Tiny;

namespace Mdl.EndToEnd.Tests;

/// <summary>What a model writes in published layout is what it read, and what other programs expect there.</summary>
public sealed unsafe class PublishedSaveTests : IDisposable
{
    private static readonly string Fixture = Path.Combine(AppContext.BaseDirectory, "ling-tiny");
    private readonly string _root = Directory.CreateTempSubdirectory("mdl-").FullName;

    private string Folder => Path.Combine(_root, "saved");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(long.MaxValue, 1)]
    [InlineData(300_000, 6)]
    public void What_was_read_is_written_to_the_bit(long fileBytes, int leastFiles)
    {
        using var model = LingFixture.Load(Fixture);
        model.SaveFolder(Folder, new() { Type = TensorType.Single, MaxFileBytes = fileBytes });
        using var again = LingFixture.Load(Folder);
        Assert.True(again.HasMtp);
        Assert.True(TestModels.WeightBytes(model).SequenceEqual(TestModels.WeightBytes(again)));

        // Name by name what the other program wrote, in files no larger than asked for.
        var files = Directory.GetFiles(Folder, "*.safetensors");
        Assert.InRange(files.Length, leastFiles, leastFiles + 3);
        Assert.Equal(files.Length > 1, File.Exists(Path.Combine(Folder, "model.safetensors.index.json")));
        var expected = Tensors(Path.Combine(Fixture, "model.safetensors"));
        var written = files.SelectMany(Tensors).ToDictionary();
        Assert.Equal(expected.OrderBy(t => t.Key, StringComparer.Ordinal), written.OrderBy(t => t.Key, StringComparer.Ordinal));
        Assert.All(files, f => Assert.InRange(new FileInfo(f).Length, 1, Math.Min(fileBytes, 10_000_000) + 20_000));
    }

    [Theory]
    [InlineData(TensorType.BFloat16, "BF16", "bfloat16", 1.0 / 256)]
    [InlineData(TensorType.Float16, "F16", "float16", 1.0 / 2048)]
    public void Tensors_are_rounded_and_states_are_not(TensorType type, string name, string config, double error)
    {
        using var model = LingFixture.Load(Fixture);
        model.SaveFolder(Folder, new() { Type = type });
        var path = Path.Combine(Folder, "model.safetensors");
        Assert.All(Tensors(path), t => Assert.StartsWith(t.Key.EndsWith("expert_bias", StringComparison.Ordinal) ? "F32 " : name + " ", t.Value, StringComparison.Ordinal));
        Assert.Contains("model.layers.1.mlp.gate.weight", Tensors(path).Keys);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.All(file.Tensors.Values, t => Assert.Equal(0, t.Begin % SizeOf(t.Type)));
        Assert.Equal(config, (string?)Config(Folder)["torch_dtype"]);

        using var again = LingFixture.Load(Folder);
        for (var i = 0L; i < model.Info.TotalSize; i++)
        {
            // The relative error of rounding to nearest, half a step of the last bit; below the smallest normal half, 2^-14, half a step of 2^-24.
            Assert.InRange(again.Weights[i], model.Weights[i] - Slack(model.Weights[i]), model.Weights[i] + Slack(model.Weights[i]));
        }

        float Slack(float value) => (float)Math.Max(Math.Abs(value) * error * 1.0001, type == TensorType.Float16 ? Math.Pow(2, -25) : 0);
        var logits = again.Forward([1, 2, 3]);
        Assert.All(logits.Zip(model.Forward([1, 2, 3])), p => Assert.Equal(p.Second, p.First, 0.05));
    }

    [Fact]
    public void Configuration_and_companions_go_along()
    {
        var source = Path.Combine(_root, "source");
        Directory.CreateDirectory(source);
        File.Copy(Path.Combine(Fixture, "model.safetensors"), Path.Combine(source, "model.safetensors"));
        var config = Config(Fixture);
        config["pad_token_id"] = 7;
        config["quantization_config"] = new JsonObject { ["quant_method"] = "fp8" };
        config.Remove("partial_rotary_factor");
        config["rotary_dim"] = 8;
        File.WriteAllText(Path.Combine(source, "config.json"), config.ToJsonString());
        foreach (var name in new[] { "tokenizer.json", "chat_template.jinja", "modeling_bailing.py", "LICENSE", "README.md", "old.bin" })
        {
            File.WriteAllText(Path.Combine(source, name), name);
        }

        using var model = LingFixture.Load(source);
        Assert.Equal(source, model.LoadedFolder);
        model.SaveFolder(Folder);
        Assert.Equal(
            ["LICENSE", "chat_template.jinja", "config.json", "model.safetensors", "modeling_bailing.py", "tokenizer.json"],
            Directory.GetFiles(Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var written = Config(Folder);
        Assert.Equal(7, (int?)written["pad_token_id"]);
        Assert.Equal(8, (int?)written["rotary_dim"]);
        Assert.Equal(1, (int?)written["num_nextn_predict_layers"]);
        Assert.False(written.ContainsKey("quantization_config"));
        Assert.False(written.ContainsKey("partial_rotary_factor"));

        Directory.Delete(source, recursive: true);
        Assert.Contains("no such folder", Assert.Throws<SafetensorsException>(() => model.SaveFolder(Folder)).Message, StringComparison.Ordinal);
        model.SaveFolder(Folder, new() { Companions = Folder });
        Assert.True(File.Exists(Path.Combine(Folder, "tokenizer.json")));
    }

    [Fact]
    public void A_model_without_a_folder_writes_a_complete_configuration()
    {
        using var model = LingFixture.Create(seed: 4);
        model.SaveFolder(Folder, new() { Type = TensorType.Single });
        Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using var again = LingFixture.Load(Folder);
        Assert.True(TestModels.WeightBytes(model).SequenceEqual(TestModels.WeightBytes(again)));
        Assert.Equal("BailingMoeV2ForCausalLM", (string?)Config(Folder)["architectures"]![0]);
    }

    [Fact]
    public void Without_mtp_none_is_written()
    {
        using var model = LingFixture.Load(Fixture);
        model.SaveFolder(Folder, new() { Type = TensorType.Single });
        var path = Path.Combine(Folder, "model.safetensors");
        FixtureFolder.RemoveMtp(Folder);
        using var plain = LingFixture.Load(Folder);
        Assert.False(plain.HasMtp);
        plain.SaveFolder(Folder, new() { Type = TensorType.Single });
        Assert.Equal(0, (int?)Config(Folder)["num_nextn_predict_layers"]);
        Assert.DoesNotContain(Tensors(path).Keys, k => k.StartsWith("model.layers.3.", StringComparison.Ordinal));
        using var again = LingFixture.Load(Folder);
        Assert.Equal(plain.Forward([1, 2, 3]), again.Forward([1, 2, 3]));
    }

    [Fact]
    public void A_short_format_is_written_as_what_it_stands_for()
    {
        using var held = LingBlocks.Create(seed: 3, weights: WeightFormat.Int8);
        held.SaveFolder(Folder, new() { Type = TensorType.Single });
        using var again = LingBlocks.Load(Folder);
        Assert.All(WeightErrors.Between(again, held), e => Assert.Equal(0, e.Largest));
    }

    [Fact]
    public void A_folder_is_replaced_as_a_whole_or_not_at_all()
    {
        using var model = LingFixture.Load(Fixture);
        model.SaveFolder(Folder, new() { Type = TensorType.Single, MaxFileBytes = 300_000 });
        File.WriteAllText(Path.Combine(Folder, "notes.md"), "mine");
        // What a killed save left.
        Directory.CreateDirectory(Folder + ".tmp");
        File.WriteAllText(Path.Combine(Folder + ".tmp", "model-00001-of-00002.safetensors"), "half");
        var before = Directory.GetFiles(Folder).ToDictionary(f => f, File.ReadAllBytes);

        model.Parameters.LayersFrom1[0].Attention.Out[3, 5] = 70_000;
        var message = Assert.Throws<SafetensorsException>(() => model.SaveFolder(Folder, new() { Type = TensorType.Float16 })).Message;
        Assert.Contains("layers[1].attention.out has the number 70000, beyond the largest of F16", message, StringComparison.Ordinal);
        Assert.Equal(before.Keys.Order(StringComparer.Ordinal), Directory.GetFiles(Folder).Order(StringComparer.Ordinal));
        Assert.All(before, f => Assert.Equal(f.Value, File.ReadAllBytes(f.Key)));

        // One file instead of many: none of the many stays, and what is not part of a checkpoint does.
        model.SaveFolder(Folder);
        Assert.Equal(["config.json", "model.safetensors", "notes.md"], Directory.GetFiles(Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal([Folder], Directory.GetDirectories(_root));

        Directory.CreateDirectory(Path.Combine(Folder, "inner"));
        Assert.Contains("has the folder inner", Assert.Throws<SafetensorsException>(() => model.SaveFolder(Folder)).Message, StringComparison.Ordinal);
        Assert.Contains("is a file", Assert.Throws<SafetensorsException>(() => model.SaveFolder(Path.Combine(Folder, "notes.md"))).Message, StringComparison.Ordinal);
        using var dense = new DenseSmall();
        Assert.Contains("declares no checkpoint", Assert.Throws<SafetensorsException>(() => dense.SaveFolder(Folder)).Message, StringComparison.Ordinal);
    }

    private static int SizeOf(string type) => type == "F32" ? 4 : 2;

    private static JsonObject Config(string folder) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();

    private static Dictionary<string, string> Tensors(string path) => FixtureFolder.Header(path).Where(t => t.Key != "__metadata__")
        .ToDictionary(t => t.Key, t => $"{t.Value!["dtype"]} {t.Value["shape"]!.ToJsonString()}");
}
