using System.Text.Json.Nodes;
using Mdl.Runtime.Text.Tokenizers;

namespace Mdl.Runtime.Text.Tests;

public sealed class BadFileTests
{
    public static TheoryData<string, string, string> Unsupported => new()
    {
        { "model.type", "\"Unigram\"", "model.type is \"Unigram\"" },
        { "model.dropout", "0.1", "model.dropout is 0.1" },
        { "model.byte_fallback", "true", "model.byte_fallback is true" },
        { "model.end_of_word_suffix", "\"</w>\"", "model.end_of_word_suffix is \"</w>\"" },
        { "model.merges", "[\"a\"]", "model.merges[0] is \"a\"" },
        { "model.merges", "[\"a €\"]", "model.merges[0] merges 'a' and '€'" },
        { "model.vocab", "{\"a\": 0}", "model.vocab has no token for byte 0x00" },
        { "model.vocab", "{\"a\": -1}", "model.vocab.a is -1" },
        { "normalizer", "{\"type\": \"Lowercase\"}", "normalizer.type is \"Lowercase\"" },
        { "decoder", "{\"type\": \"Metaspace\"}", "decoder.type is \"Metaspace\"" },
        { "pre_tokenizer", "{\"type\": \"Whitespace\"}", "pre_tokenizer does not end in a step of type 'ByteLevel'" },
        { "pre_tokenizer.pretokenizers.0.behavior", "\"Removed\"", "pre_tokenizer.pretokenizers[0].behavior is \"Removed\"" },
        { "pre_tokenizer.pretokenizers.0.pattern.Regex", "\"\\\\p{Han}+\"", "has the Regex '\\p{Han}+'" },
        { "added_tokens.0.single_word", "true", "added_tokens[0].single_word is true" },
        { "added_tokens.0.id", "\"x\"", "added_tokens[0].id is \"x\"" },
    };

    [Theory]
    [MemberData(nameof(Unsupported))]
    public void What_is_not_supported_is_named(string key, string value, string message)
    {
        var json = TestTokenizer.Json();
        var keys = key.Split('.');
        var node = keys[..^1].Aggregate((JsonNode)json, (n, k) => int.TryParse(k, out var i) ? n[i]! : n[k]!);
        node[keys[^1]] = JsonNode.Parse(value);
        var exception = TestTokenizer.InFolder(json, folder => Assert.Throws<TokenizerException>(() => Tokenizer.Load(folder)));
        Assert.Contains("tokenizer.json", exception.Message);
        Assert.Contains(message, exception.Message);
    }

    [Fact]
    public void A_file_that_merges_text_into_markup_is_refused()
    {
        var json = TestTokenizer.Json(j => j["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = 2000, ["content"] = TestTokenizer.Bpe.Merges[0].Left + TestTokenizer.Bpe.Merges[0].Right }));
        var exception = TestTokenizer.InFolder(json, folder => Assert.Throws<TokenizerException>(() => Tokenizer.Load(folder)));
        Assert.Contains("merges text into the added token", exception.Message);
    }

    [Fact]
    public void A_file_that_is_not_json_is_refused()
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, "{");
        Assert.Contains("not JSON", Assert.Throws<TokenizerException>(() => Tokenizer.Load(path)).Message);
        File.Delete(path);
    }

    [Theory]
    [InlineData(@"a?+b", @"(?>a?)b")]
    [InlineData(@"[^\]x]++[\r\n]*", @"(?>[^\]x]+)[\r\n]*")]
    [InlineData(@"\p{L}*+\s+", @"(?>\p{L}*)\s+")]
    [InlineData(@"(?:ab)++c", @"(?>(?:ab)+)c")]
    [InlineData(@"a{1,3}+b+?", @"(?:a{1,3})+b+?")]
    public void Possessive_quantifiers_become_atomic_groups(string pattern, string expected) => Assert.Equal(expected, PossessiveQuantifiers.Rewrite(pattern));
}
