using System.Text.Json.Nodes;
using Ling;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Models;
using Tiny;

namespace Mdl.EndToEnd.Tests;

/// <summary>Ling-lite and Ring-lite: sizes, configuration, and what they compute, beside an implementation of their own.</summary>
public sealed class LiteTests : IDisposable
{
    private readonly string _folder = Path.Combine(Directory.CreateTempSubdirectory("mdl-lite-").FullName, "model");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);

    [Fact]
    public void Sizes_are_the_published_ones()
    {
        // 16.8 B, exactly what the published sizes add up to.
        Assert.Equal(16_801_974_272L, LingLite.ParameterCount);
        Assert.Equal(LingLite.ParameterCount, LingLiteBase.ParameterCount);
        Assert.Equal(0L, LingLite.MtpParameterCount);
        Assert.Equal(16_801_974_272L, LingLite.ModelInfo.ParameterCount);

        // All experts but 6 of 64 rest: 2.75 B work on a token.
        var resting = LingLite.ModelInfo.Parameters.Where(p => p.Path.Contains(".experts.", StringComparison.Ordinal)).Sum(p => p.Size) / 64 * 58;
        Assert.Equal(2_753_153_024L, LingLite.ParameterCount - resting);
    }

    [Fact]
    public void Logits_are_those_of_an_independent_implementation()
    {
        using var model = TestModels.Randomized("LingLiteTiny", seed: 8);
        model.SaveFolder(_folder, new() { Type = TensorType.Single });
        using var published = new PublishedBailingMoe(_folder);
        int[] tokens = [3, 95, 0, 41, 41, 7, 60];
        var expected = published.Logits(tokens);
        using var read = LingLiteTiny.Load(_folder);
        var actual = read.Forward(tokens);

        // f32 against double over sums of at most 256 terms.
        var scale = expected.Max(row => row.Max(Math.Abs));
        Assert.True(scale > 0.01);
        for (var i = 0; i < actual.Length; i++)
        {
            Assert.Equal(expected[i / 96][i % 96], actual[i], 2e-5 * scale);
        }
    }

    [Theory]
    [InlineData(WeightFormat.BFloat16)]
    [InlineData(WeightFormat.Int8)]
    [InlineData(WeightFormat.Int4)]
    [InlineData(WeightFormat.Float8)]
    public void Columns_of_a_short_head_are_those_of_its_numbers(WeightFormat format)
    {
        using var held = LingLiteTiny.Create(seed: 3, weights: format);
        using var plain = new LingLiteTiny();
        plain.Store.CopyFrom(held.Store);
        var (expected, actual) = (plain.Forward([1, 2, 3]), held.Forward([1, 2, 3]));

        // Few rows keep 15 bits for products with integers.
        var tolerance = (format is WeightFormat.Int8 or WeightFormat.Int4 ? 2e-4 : 1e-5) * expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, tolerance));
    }

    [Theory]
    [InlineData("norm_head", false, "norm_head is false, expected true")]
    [InlineData("first_k_dense_replace", 1, "first_k_dense_replace is 1, expected 0")]
    [InlineData("num_shared_experts", 1, "num_shared_experts is 1, expected 2")]
    [InlineData("rms_norm_eps", 1e-5, "rms_norm_eps is 1E-05, expected 1e-06")]
    [InlineData("rope_scaling", "yarn", "rope_scaling is \"yarn\", expected none")]
    [InlineData("rms_norm_eps", 1e-6, "model.safetensors: cannot be opened")]
    public void The_configuration_is_that_of_the_published_files(string key, object value, string message)
    {
        // What the configuration of the chat model in the repository says, as far as it bears on the computation.
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("BailingMoeForCausalLM"), ["model_type"] = "bailing_moe", ["first_k_dense_replace"] = 0, ["hidden_act"] = "silu",
            ["hidden_size"] = 2048, ["intermediate_size"] = 5632, ["max_position_embeddings"] = 16384, ["moe_intermediate_size"] = 1408, ["num_experts"] = 64,
            ["num_shared_experts"] = 2, ["norm_topk_prob"] = true, ["num_attention_heads"] = 16, ["num_experts_per_tok"] = 6, ["num_hidden_layers"] = 28,
            ["num_key_value_heads"] = 4, ["rms_norm_eps"] = 1e-6, ["rope_scaling"] = null, ["rope_theta"] = 600000, ["tie_word_embeddings"] = false,
            ["use_bias"] = false, ["use_qkv_bias"] = false, ["vocab_size"] = 126464, ["norm_head"] = true, ["norm_softmax"] = false,
        };
        config[key] = JsonValue.Create(value);
        Directory.CreateDirectory(_folder);
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
        var thrown = Assert.Throws<SafetensorsException>(() => HuggingFaceFolder.Open(_folder, LingLite.ModelInfo, LingLite.CheckpointMaps));
        Assert.Contains(message, thrown.Message, StringComparison.OrdinalIgnoreCase);
    }
}
