using System.Text;
using CsCheck;
using Mdl.Runtime.Text.Tokenizers;

namespace Mdl.Runtime.Text.Tests;

public sealed class DecodingTests
{
    private static readonly Tokenizer Tokenizer = TestTokenizer.Create();

    private static readonly int[] Leads = [0xF0, 0x9F, 0x98, 0x80, 0xE4, 0xC3, 0xED, 0xA0];

    // Any tokens, so that broken and cut characters are common.
    private static readonly Gen<int[]> Tokens = Gen.OneOf(
        Gen.Int[0, Tokenizer.Count - 1], Gen.Int[0, Leads.Length - 1].Select(i => Leads[i])).Array[0, 40];

    [Theory]
    [InlineData(0x00, 'Ā')]
    [InlineData(0x20, 'Ġ')]
    [InlineData(0x0A, 'Ċ')]
    [InlineData(0x41, 'A')]
    [InlineData(0x7F, 'ġ')]
    [InlineData(0xAD, 'Ń')]
    [InlineData(0xFF, 'ÿ')]
    public void Bytes_are_written_as_gpt2_does(byte value, char character)
    {
        Assert.Equal(character, ByteAlphabet.Character(value));
        Assert.Equal([value], ByteAlphabet.Bytes(character.ToString()));
    }

    [Fact]
    public void Invalid_bytes_become_replacement_characters() => Assert.Equal("a\uFFFDb\uFFFD", Tokenizer.Decode(['a', 0xFF, 'b', 0xC3]));

    [Fact]
    public void A_stream_gives_what_the_whole_gives() => Tokens.Sample(
        tokens =>
        {
            var stream = new StreamingDecoder(Tokenizer);
            var text = new StringBuilder();
            foreach (var token in tokens)
            {
                var piece = stream.Append(token);
                Assert.False(piece.Length > 0 && char.IsHighSurrogate(piece[^1]), "a character was cut");
                text.Append(piece);
            }

            Assert.Equal(Tokenizer.Decode(tokens), text.Append(stream.Flush()).ToString());
        },
        iter: 3000);

    [Fact]
    public void A_character_appears_with_its_last_byte()
    {
        var stream = new StreamingDecoder(Tokenizer);
        int[] emoji = [0xF0, 0x9F, 0x98, 0x80];
        Assert.Equal(["", "", "", "😀"], emoji.Select(t => stream.Append(t).ToString()));
        Assert.Equal("", stream.Append(0xF0).ToString());
        Assert.Equal("\uFFFD", stream.Flush().ToString());
        Assert.Equal("a", stream.Append('a').ToString());
    }

    [Fact]
    public void Streaming_allocates_nothing()
    {
        var stream = new StreamingDecoder(Tokenizer);
        var tokens = Tokenizer.Encode("there is 中文 and 😀");
        Pass();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Pass();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Pass()
        {
            foreach (var token in tokens)
            {
                stream.Append(token);
            }
        }
    }

    [Fact]
    public void Markup_can_be_left_out()
    {
        int[] tokens = ['a', TestTokenizer.Id("<|role_end|>"), 'b'];
        Assert.Equal("a<|role_end|>b", Tokenizer.Decode(tokens));
        Assert.Equal("ab", Tokenizer.Decode(tokens, skipSpecial: true));
    }
}
