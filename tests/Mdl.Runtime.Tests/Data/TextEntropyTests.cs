using Mdl.Runtime.Data;

namespace Mdl.Runtime.Tests.Data;

public sealed class TextEntropyTests
{
    [Fact]
    public void Alternation_has_one_bit_of_unigram_and_no_bigram_entropy()
    {
        // 1000 pairs, 500 of each kind; sums of doubles, hence 1e-12.
        var text = new byte[1001];
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = (byte)(i % 2);
        }

        var entropy = TextEntropy.Of(text);
        Assert.Equal(1, entropy.UnigramBits, 1e-12);
        Assert.Equal(0, entropy.BigramBits, 1e-12);
        Assert.Equal(Math.Log(2), entropy.Unigram, 1e-12);
    }

    [Fact]
    public void Bigram_entropy_is_the_mean_over_the_byte_before()
    {
        // After 'a' comes 'a' or 'b' evenly (1 bit), after 'b' always 'a': pairs aa, ab, ba in equal numbers, so 2/3 bit.
        var text = string.Concat(Enumerable.Repeat("aab", 400)) + "a";
        Assert.Equal(2.0 / 3, TextEntropy.Of(System.Text.Encoding.ASCII.GetBytes(text)).BigramBits, 1e-12);
    }

    [Fact]
    public void A_single_byte_has_no_entropy() => Assert.Equal(0, TextEntropy.Of("aaaa"u8).Unigram);
}
