using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ling.FineTune.Tests;

/// <summary>A byte-level tokenizer without merges: 256 bytes and the marks of the chat format.</summary>
internal static class TinyTokenizer
{
    private static readonly string[] Marks = ["<|endoftext|>", "<|role_end|>", "<role>", "</role>"];

    public static string Json => new JsonObject
    {
        ["normalizer"] = null,
        ["added_tokens"] = new JsonArray([.. Marks.Select((mark, i) => new JsonObject { ["id"] = 256 + i, ["content"] = mark, ["special"] = true, ["normalized"] = false })]),
        ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true },
        ["post_processor"] = new JsonObject { ["type"] = "ByteLevel" },
        ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
        ["model"] = new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = null,
            ["ignore_merges"] = false,
            ["vocab"] = JsonSerializer.SerializeToNode(Alphabet().Select((c, i) => (c, i)).ToDictionary(p => p.c.ToString(), p => p.i)),
            ["merges"] = new JsonArray(),
        },
    }.ToJsonString();

    /// <summary>The characters that stand for bytes: printable ones for themselves, the others from U+0100 on.</summary>
    private static IEnumerable<char> Alphabet()
    {
        var next = 256;
        for (var b = 0; b < 256; b++)
        {
            yield return b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)b : (char)next++;
        }
    }
}
