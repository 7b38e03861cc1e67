using System.Text;
using System.Text.Json;
using Mdl.Runtime.Text.Tokenizers;

namespace Mdl.Runtime.Text.Tests;

/// <summary>
/// Tokens of texts beside those of Hugging Face's tokenizers (0.23.2), for a small vocabulary in the shape of Ling's with NFC and a normalised added token.
/// Both are in fixtures/tokenizer.
/// </summary>
public sealed class OracleTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "tokenizer");

    public static TheoryData<string, int[]> Cases()
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "cases.json")));
        var cases = new TheoryData<string, int[]>();
        foreach (var item in file.RootElement.EnumerateArray())
        {
            cases.Add(item.GetProperty("text").GetString()!, [.. item.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())]);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Tokens_are_those_of_the_oracle(string text, int[] ids)
    {
        var tokenizer = Tokenizer.Load(Folder);
        Assert.Equal(ids, tokenizer.Encode(text, SpecialTokens.Parse));
        Assert.Equal(text.Normalize(NormalizationForm.FormC).Replace("  <|endoftext|>  ", "<|endoftext|>", StringComparison.Ordinal), tokenizer.Decode(ids));
    }
}
