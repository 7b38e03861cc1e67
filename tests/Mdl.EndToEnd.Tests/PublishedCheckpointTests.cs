using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Models;
using Tiny;

namespace Mdl.EndToEnd.Tests;

/// <summary>A generated model reads a checkpoint in published layout and computes what llama.cpp computes from it.</summary>
public sealed class PublishedCheckpointTests : IDisposable
{
    private static readonly string Fixture = Oracle.Folder;
    private readonly string _folder = Directory.CreateTempSubdirectory("mdl-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Logits_are_those_of_llama_cpp()
    {
        using var model = LingFixture.Load(Fixture);
        Assert.True(model.HasMtp);
        Oracle.Check(model, 2e-5);
    }

    [Fact]
    public void Shards_and_bfloat16_are_read()
    {
        var header = Tensors(out var data);
        using var expected = LingFixture.Load(Fixture);
        for (var i = 0L; i < expected.Info.TotalSize; i++)
        {
            SetWeight(expected, i);
        }

        var index = new JsonObject();
        var half = header.Count / 2;
        Write("a.safetensors", header.Take(half), data, type: "BF16");
        Write("b.safetensors", header.Skip(half), data, type: "BF16");
        foreach (var (name, i) in header.Select((h, i) => (h.Name, i)))
        {
            index[name] = i < half ? "a.safetensors" : "b.safetensors";
        }

        File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"), new JsonObject { ["weight_map"] = index }.ToJsonString());
        Config(_ => { });
        using var model = LingFixture.Load(_folder);
        Assert.True(TestModels.WeightBytes(expected).SequenceEqual(TestModels.WeightBytes(model)));

        // A name that leaves the folder, and a file that is not there.
        index[header[0].Name] = "../a.safetensors";
        File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"), new JsonObject { ["weight_map"] = index.DeepClone() }.ToJsonString());
        Assert.Contains("same folder", Assert.Throws<SafetensorsException>(() => LingFixture.Load(_folder)).Message, StringComparison.Ordinal);
        index[header[0].Name] = "c.safetensors";
        File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"), new JsonObject { ["weight_map"] = index.DeepClone() }.ToJsonString());
        Assert.Contains("cannot be opened", Assert.Throws<SafetensorsException>(() => LingFixture.Load(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void Half_precision_is_read()
    {
        using var expected = LingFixture.Load(Fixture);
        for (var i = 0L; i < expected.Info.TotalSize; i++)
        {
            expected.Weights[i] = (float)(Half)expected.Weights[i];
        }

        Write("model.safetensors", Tensors(out var data), data, type: "F16");
        Config(_ => { });
        using var model = LingFixture.Load(_folder);
        Assert.True(TestModels.WeightBytes(expected).SequenceEqual(TestModels.WeightBytes(model)));
    }

    [Fact]
    public void Without_mtp_the_rest_is_read()
    {
        var header = Tensors(out var data);
        Write("model.safetensors", header.Where(h => !h.Name.StartsWith("model.layers.3.", StringComparison.Ordinal)), data, type: "F32");
        Config(c => c["num_nextn_predict_layers"] = 0);
        using var model = LingFixture.Load(_folder);
        Assert.False(model.HasMtp);
        Oracle.Check(model, 2e-5);
    }

    [Fact]
    public void Rotary_dimensions_may_be_given_as_a_number()
    {
        File.Copy(Path.Combine(Fixture, "model.safetensors"), Path.Combine(_folder, "model.safetensors"));
        Config(c =>
        {
            c.Remove("partial_rotary_factor");
            c["rotary_dim"] = 8;
        });
        using var model = LingFixture.Load(_folder);
        Oracle.Check(model, 2e-5);
    }

    [Fact]
    public void All_differences_of_the_configuration_are_told()
    {
        Config(c =>
        {
            c["hidden_size"] = 128;
            c["use_bias"] = true;
            c.Remove("vocab_size");
            c["rope_scaling"] = new JsonObject { ["type"] = "yarn", ["factor"] = 4.0 };
        });
        var message = Assert.Throws<SafetensorsException>(() => LingFixture.Load(_folder)).Message;
        Assert.Contains("hidden_size is 128, expected 64", message, StringComparison.Ordinal);
        Assert.Contains("use_bias is true, expected false", message, StringComparison.Ordinal);
        Assert.Contains("vocab_size is missing, expected 320", message, StringComparison.Ordinal);
        Assert.Contains("rope_scaling is {\"type\":\"yarn\",\"factor\":4}, expected none", message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_tensors_that_do_not_fit_are_told()
    {
        var header = Tensors(out var data);
        var changed = header.Select(h => h.Name switch
        {
            "lm_head.weight" => h with { Name = "lm_head.bias" },
            "model.word_embeddings.weight" => h with { Shape = [.. h.Shape.Reverse()] },
            _ => h,
        });
        Write("model.safetensors", changed, data, type: "F32");
        Config(_ => { });
        var message = Assert.Throws<SafetensorsException>(() => LingFixture.Load(_folder)).Message;
        Assert.Contains("1 missing: lm_head.weight", message, StringComparison.Ordinal);
        Assert.Contains("1 unexpected: lm_head.bias", message, StringComparison.Ordinal);
        Assert.Contains("1 mismatched: model.word_embeddings.weight is F32 [64, 320] instead of [320, 64]", message, StringComparison.Ordinal);
    }

    private static unsafe void SetWeight(LanguageModel model, long i) =>
        model.Weights[i] = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(model.Weights[i]) & 0xFFFF0000);

    private static List<Entry> Tensors(out byte[] data)
    {
        var bytes = File.ReadAllBytes(Path.Combine(Fixture, "model.safetensors"));
        var length = (int)BitConverter.ToInt64(bytes);
        data = bytes[(8 + length)..];
        return [.. JsonNode.Parse(bytes.AsSpan(8, length))!.AsObject().Where(t => t.Key != "__metadata__").Select(t => new Entry(
            t.Key,
            [.. t.Value!["shape"]!.AsArray().Select(n => (long)n!)],
            (int)t.Value["data_offsets"]![0]!,
            (int)t.Value["data_offsets"]![1]!))];
    }

    private void Write(string file, IEnumerable<Entry> entries, byte[] data, string type)
    {
        var header = new JsonObject();
        var body = new MemoryStream();
        foreach (var entry in entries)
        {
            var begin = body.Length;
            var floats = MemoryMarshal.Cast<byte, float>(data.AsSpan(entry.Begin, entry.End - entry.Begin));
            foreach (var value in floats)
            {
                // bfloat16 is cut, not rounded: what is compared with is cut likewise.
                body.Write(type switch { "F16" => BitConverter.GetBytes((Half)value), "BF16" => BitConverter.GetBytes(value).AsSpan(2), _ => BitConverter.GetBytes(value) });
            }

            header[entry.Name] = new JsonObject
            {
                ["dtype"] = type,
                ["shape"] = new JsonArray([.. entry.Shape.Select(n => (JsonNode)n)]),
                ["data_offsets"] = new JsonArray(begin, body.Length),
            };
        }

        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        File.WriteAllBytes(Path.Combine(_folder, file), [.. BitConverter.GetBytes((long)json.Length), .. json, .. body.ToArray()]);
    }

    private void Config(Action<JsonObject> change)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixture, "config.json")))!.AsObject();
        change(config);
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
    }

    private sealed record Entry(string Name, long[] Shape, int Begin, int End);
}
