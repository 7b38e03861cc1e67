using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsCheck;
using Mdl.Runtime.Text.Tokenizers;

namespace Mdl.Runtime.Text.Tests;

public sealed class EncodingTests
{
    private static readonly Tokenizer Tokenizer = TestTokenizer.Create();

    private static readonly string[] Words =
        ["the", " there", "role", "<role>", "</role>", "<|role_end|>", "'s", "'LL", " größer", "中文字", "😀", "\n", "\r\n", "  ", " !!", "12"];

    // Words of the training text beside anything at all, so that merges happen and characters of every plane occur.
    private static readonly Gen<string> Text = Gen.OneOf(
        Gen.Int[0, Words.Length - 1].Select(i => Words[i]),
        Gen.Int[0, 0x10FFFF].Where(Rune.IsValid).Select(i => new Rune(i).ToString()))
        .Array[0, 30].Select(string.Concat);

    [Fact]
    public void Text_survives_a_round_trip() => Text.Sample(text => Assert.Equal(text, Tokenizer.Decode(Tokenizer.Encode(text))), iter: 2000);

    [Fact]
    public void Tokens_are_those_of_the_definition() => Text.Sample(
        text => Assert.Equal(Cut(text).SelectMany(TestTokenizer.Bpe.Encode), Tokenizer.Encode(text)), iter: 2000);

    [Fact]
    public void Text_that_is_not_trusted_never_gives_added_tokens() => Text.Sample(
        text => Assert.DoesNotContain(Tokenizer.Encode(text), id => id >= 1000), iter: 1000);

    [Fact]
    public void Added_tokens_are_parsed_on_request()
    {
        var ids = Tokenizer.Encode("<role>the</role><|role_end|>", SpecialTokens.Parse);
        Assert.Equal([TestTokenizer.Id("<role>"), .. Tokenizer.Encode("the"), TestTokenizer.Id("</role>"), TestTokenizer.Id("<|role_end|>")], ids);
    }

    [Fact]
    public void Where_pieces_meet_leaves_no_trace()
    {
        var whole = Tokenizer.Encode("other thinking");
        Assert.Equal(whole, Tokenizer.Encode([new TextPart("oth", SpecialTokens.AsText), new TextPart("er thin", SpecialTokens.Parse), new TextPart("king", SpecialTokens.AsText)]));
        Assert.DoesNotContain(Tokenizer.Encode([new TextPart("<ro", SpecialTokens.Parse), new TextPart("le>", SpecialTokens.AsText)]), id => id >= 1000);
    }

    [Theory]
    [InlineData("<|endoftext|>", "the  <|endoftext|>  the", 2)]
    [InlineData("<role>", "the  <role>  the", 0)]
    public void White_space_belongs_to_tokens_that_say_so(string name, string text, int taken)
    {
        var stripping = TestTokenizer.Create(json =>
        {
            json["added_tokens"]![1]!["lstrip"] = true;
            json["added_tokens"]![1]!["rstrip"] = true;
        });
        var ids = stripping.Encode(text, SpecialTokens.Parse);
        Assert.Contains(TestTokenizer.Id(name), ids);
        Assert.Equal(text.Length - (2 * taken), stripping.Decode(ids).Length);
    }

    [Fact]
    public void Merges_may_be_pairs()
    {
        var pairs = TestTokenizer.Create(json => json["model"]!["merges"] =
            new JsonArray([.. TestTokenizer.Bpe.Merges.Select(m => (JsonNode)new JsonArray(m.Left, m.Right))]));
        Text.Sample(text => Assert.Equal(Tokenizer.Encode(text), pairs.Encode(text)), iter: 200);
    }

    [Fact]
    public void Whole_pieces_come_before_merges_where_the_file_says_so()
    {
        static void AddWord(JsonObject json, bool ignore)
        {
            json["model"]!["vocab"]!["xyz"] = 900;
            json["model"]!["ignore_merges"] = ignore;
        }

        Assert.Equal([900], TestTokenizer.Create(json => AddWord(json, true)).Encode("xyz"));
        Assert.Equal(['x', 'y', 'z'], TestTokenizer.Create(json => AddWord(json, false)).Encode("xyz"));
    }

    [Fact]
    public void Plain_byte_level_uses_the_pattern_of_gpt2()
    {
        var gpt2 = TestTokenizer.Create(json => json["pre_tokenizer"] =
            new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["use_regex"] = true });
        string[] pieces = [" the", " 12", " there", "'s", " ", " !!"];
        Assert.Equal(pieces.SelectMany(TestTokenizer.Bpe.Encode), gpt2.Encode("the 12 there's  !!"));
    }

    [Fact]
    public void Letters_beyond_the_basic_plane_are_letters()
    {
        // U+1D400 is a letter: with the space it is one piece, and the digits U+1D7CE are pieces of their own.
        var split = new SplitPattern(TestTokenizer.Bailing);
        const string Text = " \U0001D400\U0001D401\U0001D7CE\U0001D7CF\U0001F600!";
        var pieces = new List<Range>();
        split.Split(Text, .., pieces);
        Assert.Equal([" \U0001D400\U0001D401", "\U0001D7CE", "\U0001D7CF", "\U0001F600!"], pieces.Select(p => Text[p]));
    }

    [Fact]
    public void Half_a_surrogate_pair_becomes_a_replacement_character() => Assert.Equal("a\uFFFDb", Tokenizer.Decode(Tokenizer.Encode("a\uD83Db")));

    [Fact]
    public void Padding_numbers_of_a_model_give_no_text() => Assert.Equal("a", Tokenizer.Decode([99_999, 'a', 990]));

    // An own reading of the pattern, one rune at a time; .NET's regular expressions see halves of characters beyond U+FFFF.
    private static List<string> Cut(string text)
    {
        var runes = text.EnumerateRunes().ToList();
        var pieces = new List<string>();
        for (var at = 0; at < runes.Count;)
        {
            var length = Length(runes, at);
            pieces.Add(string.Concat(runes.GetRange(at, length)));
            at += length;
        }

        return pieces;
    }

    private static int Length(List<Rune> runes, int at)
    {
        var contraction = Regex.Match(string.Concat(runes.Skip(at).Take(3)), @"\A'(?i:[sdmt]|ll|ve|re)", RegexOptions.CultureInvariant);
        if (contraction.Success)
        {
            return contraction.Length;
        }

        var first = runes[at];
        var lead = IsLetter(first) || IsNumber(first) || IsLine(first) ? 0 : 1;
        var letters = Run(runes, at + lead, IsLetter);
        if (letters > 0)
        {
            return lead + letters;
        }

        if (IsNumber(first))
        {
            return 1;
        }

        var space = first.Value == ' ' ? 1 : 0;
        var marks = Run(runes, at + space, r => !Rune.IsWhiteSpace(r) && !IsLetter(r) && !IsNumber(r));
        if (marks > 0)
        {
            return space + marks + Run(runes, at + space + marks, IsLine);
        }

        var white = Run(runes, at, Rune.IsWhiteSpace);
        var lastLine = runes.FindLastIndex(at + white - 1, white, IsLine);
        return lastLine >= 0 ? lastLine - at + 1
            : at + white == runes.Count || white == 1 ? white
            : white - 1;
    }

    private static int Run(List<Rune> runes, int at, Func<Rune, bool> holds) => runes.Skip(at).TakeWhile(holds).Count();

    private static bool IsLetter(Rune rune) => Rune.IsLetter(rune);

    private static bool IsNumber(Rune rune) => Rune.IsNumber(rune);

    private static bool IsLine(Rune rune) => rune.Value is '\r' or '\n';
}
