using System.Text.Json.Nodes;
using Mdl.Runtime.Checkpoints;
using Tiny;

namespace Mdl.EndToEnd.Tests;

/// <summary>Rotary embedding at far positions, stretched contexts (YaRN), and the folders that ask for one.</summary>
public sealed unsafe class RotaryTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "mdl-" + Path.GetRandomFileName());

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("TurnPlain")]
    [InlineData("TurnFour")]
    [InlineData("TurnForty")]
    public void Angles_are_those_of_double_precision_up_to_position_262143(string name) => Rotary.CheckAngles(name);

    [Fact]
    public void Logits_of_a_stretched_context_are_those_of_llama_cpp()
    {
        // Single precision on both sides, logits of order 1, as for the context that is not stretched.
        using var model = LingStretched.Load(Rotary.Stretched(_folder));
        Oracle.Check(model, 2e-5, "yarn_logits.f32");
        using var plain = LingFixture.Load(Oracle.Folder);
        Assert.True(plain.Forward([1, 2, 3]).Zip(model.Forward([1, 2, 3]), (a, b) => Math.Abs(a - b)).Max() > 1e-3);
    }

    [Theory]
    [InlineData("factor", 8, "rope_scaling.factor is 8, expected 4")]
    [InlineData("beta_fast", 16, "rope_scaling.beta_fast is 16, expected 32")]
    [InlineData("original_max_position_embeddings", null, "rope_scaling.original_max_position_embeddings is missing, expected 32768")]
    [InlineData("attention_factor", 1.5, "rope_scaling.attention_factor is 1.5, expected none")]
    [InlineData("type", "linear", "rope_scaling.type is \"linear\", expected \"yarn\"")]
    public void Another_scaling_is_refused(string key, object? value, string message)
    {
        var folder = Rotary.Stretched(_folder, key, value is null ? null : JsonValue.Create(value));
        Assert.Contains(message, Assert.Throws<SafetensorsException>(() => LingStretched.Load(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folders_with_and_without_scaling_are_told_apart_and_written_as_they_were()
    {
        Assert.Contains("rope_scaling.type or rope_scaling.rope_type is missing", Assert.Throws<SafetensorsException>(() => LingStretched.Load(Oracle.Folder)).Message, StringComparison.Ordinal);
        using var model = LingStretched.Create(seed: 3);
        model.SaveFolder(_folder);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "config.json")))!;
        Assert.Equal(4, (int)config["rope_scaling"]!["factor"]!);
        Assert.Equal(131072, (int)config["max_position_embeddings"]!);
        using var again = LingStretched.Load(_folder);
        Assert.Contains("rope_scaling is {", Assert.Throws<SafetensorsException>(() => LingFixture.Load(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_behind_32700_others_are_those_of_the_whole_sequence()
    {
        // The softmax over 32 768 keys adds a few roundings of sums to those of short sequences.
        const int length = 32768;
        using var model = TestModels.Randomized("LingStretched", 1);
        var tokens = TestModels.Tokens(model, length, seed: 2);
        using var whole = model.CreateInferenceProgram(1, length, length);
        tokens.CopyTo(new Span<int>(whole.Tokens, length));
        whole.Run(length, 0, lastOnly: true);
        var expected = new ReadOnlySpan<float>(whole.Logits, model.Info.Vocabulary).ToArray();

        using var program = model.CreateInferenceProgram(1, 1024, length);
        for (var past = 0; past < length;)
        {
            var count = past + 1024 < length ? 1024 : past + 1000 < length ? 1000 : 1;
            tokens.AsSpan(past, count).CopyTo(new Span<int>(program.Tokens, count));
            program.Run(count, past, lastOnly: true);
            past += count;
        }

        var scale = expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], program.Logits[i], 2e-5 * scale);
        }
    }
}
