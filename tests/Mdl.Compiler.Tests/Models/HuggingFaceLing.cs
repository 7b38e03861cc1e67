using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Mdl.Compiler.Evaluation;
using Mdl.Dsl;
using Mdl.Dsl.Binding;

namespace Mdl.Compiler.Tests.Models;

/// <summary>A published-layout Ling checkpoint (float32 safetensors), under the names of the sample's ling.mdl.</summary>
internal sealed class HuggingFaceLing
{
    private static readonly (string Ours, string Theirs)[] Names =
    [
        ("head_weight", "lm_head.weight"), ("embed.weight", "model.word_embeddings.weight"), ("mtp.project", "{mtp}.eh_proj.weight"),
        ("mtp.embed_norm.weight", "{mtp}.enorm.weight"), ("mtp.hidden_norm.weight", "{mtp}.hnorm.weight"),
        ("mtp.final_norm.weight", "{mtp}.final_layernorm.weight"), ("mtp.layer.", "{mtp}."), ("layers[{i}].", "model.layers.{i}."),
        ("attention_norm.weight", "input_layernorm.weight"), ("ffn_norm.weight", "post_attention_layernorm.weight"),
        ("attention.qkv", "attention.query_key_value.weight"), ("attention.out", "attention.dense.weight"),
        ("attention.query_norm", "attention.query_layernorm"), ("attention.key_norm", "attention.key_layernorm"),
        ("ffn.router.weight", "mlp.gate.weight"), ("ffn.router.bias", "mlp.gate.expert_bias"),
        ("ffn.experts.", "mlp.experts.{e}."), ("ffn.shared.", "mlp.shared_experts."), ("ffn.", "mlp."),
        (".gate", ".gate_proj.weight"), (".up", ".up_proj.weight"), (".down", ".down_proj.weight"),
    ];

    private readonly byte[] _bytes;
    private readonly JsonElement _header;
    private readonly int _start;

    public HuggingFaceLing(string path)
    {
        _bytes = File.ReadAllBytes(path);
        _start = 8 + checked((int)BinaryPrimitives.ReadInt64LittleEndian(_bytes));
        _header = JsonDocument.Parse(_bytes.AsMemory(8, _start - 8)).RootElement;
    }

    /// <summary>The tensor of a parameter: its instances and experts stacked.</summary>
    public NDArray Read(BoundParameter parameter, int layers)
    {
        var name = NameOf(parameter.Path).Replace("{mtp}", $"model.layers.{layers}", StringComparison.Ordinal);
        var instances = Enumerable.Range(parameter.FirstIndex, Math.Max(parameter.Repeats, 1));
        var experts = name.Contains("{e}", StringComparison.Ordinal) ? (int)parameter.Shape[0] : 1;
        var data = instances.SelectMany(i => Enumerable.Range(0, experts).SelectMany(e => Tensor(name
            .Replace("{i}", i.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{e}", e.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)))).ToArray();
        return new(parameter.TensorShape.Select(d => (int)d.Constant).ToEquatableArray(), data);
    }

    public static double[] ReadFloats(string path) => [.. MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path)).ToArray()];

    private static string NameOf(string path)
    {
        if (path == "norm.weight")
        {
            return "model.norm.weight";
        }

        foreach (var (ours, theirs) in Names)
        {
            // A suffix must end the path; a router's gate is not an expert's.
            path = ours.StartsWith('.') ? (path.EndsWith(ours, StringComparison.Ordinal) ? path[..^ours.Length] + theirs : path)
                : path.StartsWith(ours, StringComparison.Ordinal) || path.Contains('.' + ours, StringComparison.Ordinal)
                    ? path.Replace(ours, theirs, StringComparison.Ordinal)
                    : path;
        }

        return path;
    }

    private double[] Tensor(string name)
    {
        var entry = _header.GetProperty(name);
        Assert.Equal("F32", entry.GetProperty("dtype").GetString());
        var offsets = entry.GetProperty("data_offsets");
        var (from, to) = (offsets[0].GetInt32(), offsets[1].GetInt32());
        return [.. MemoryMarshal.Cast<byte, float>(_bytes.AsSpan(_start + from, to - from)).ToArray()];
    }
}
