using System.Text.Json;
using System.Text.Json.Nodes;
using Mdl.Runtime.Text.Tokenizers;

namespace Mdl.Runtime.Text.Tests;

/// <summary>A small tokenizer in the shape of Ling's, and folders to load it from.</summary>
internal static class TestTokenizer
{
    public const string Bailing = @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+";

    private static readonly string[] Words =
        ["the", " the", " then", " there", " other", "role", " role", " thinking", " detailed", "über", " größer", " 中文", "中文字", " emoji", "😀😀", "!!", " !!", "\n\n", "   "];

    public static ReferenceBpe Bpe { get; } = ReferenceBpe.Train(Words, 80);

    public static IReadOnlyList<string> AddedNames { get; } = ["<|startoftext|>", "<|endoftext|>", "<|role_end|>", "<role>", "</role>"];

    public static Tokenizer Create(Action<JsonObject>? change = null) => InFolder(Json(change), Tokenizer.Load);

    public static int Id(string added) => 1000 + AddedNames.ToList().IndexOf(added);

    public static JsonObject Json(Action<JsonObject>? change = null)
    {
        var json = new JsonObject
        {
            ["normalizer"] = null,
            ["added_tokens"] = new JsonArray([.. AddedNames.Select(n => new JsonObject { ["id"] = Id(n), ["content"] = n, ["special"] = true, ["normalized"] = false })]),
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = Bailing }, ["behavior"] = "Isolated", ["invert"] = false },
                    new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false }),
            },
            ["post_processor"] = new JsonObject { ["type"] = "ByteLevel" },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["ignore_merges"] = false,
                ["vocab"] = JsonSerializer.SerializeToNode(Bpe.Vocabulary),
                ["merges"] = new JsonArray([.. Bpe.Merges.Select(m => (JsonNode)$"{m.Left} {m.Right}")]),
            },
        };
        change?.Invoke(json);
        return json;
    }

    public static T InFolder<T>(JsonObject json, Func<string, T> use)
    {
        var folder = Directory.CreateTempSubdirectory("mdl-text");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "tokenizer.json"), json.ToJsonString());
            return use(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
