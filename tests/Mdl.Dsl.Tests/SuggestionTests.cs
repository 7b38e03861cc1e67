using Xunit;

namespace Mdl.Dsl.Tests;

public class SuggestionTests
{
    [Theory]
    [InlineData("sofmax", "softmax")] // A letter is missing.
    [InlineData("sooftmax", "softmax")] // One too many.
    [InlineData("softmac", "softmax")] // Another one.
    [InlineData("sfotmax", "softmax")] // Two are swapped: one mistake, not two.
    [InlineData("SOFTMAX", "softmax")]
    [InlineData("sum", "sum")]
    [InlineData("softly", null)] // Three letters of six differ.
    [InlineData("s", null)] // Near every short word.
    [InlineData("", null)]
    public void A_third_of_the_letters_may_differ(string word, string? expected) => Assert.Equal(expected, Suggestion.Closest(word, ["mean", "softmax", "sum"]));

    [Fact]
    public void Of_words_equally_near_the_first_in_ordinal_order_is_meant_whatever_their_order()
    {
        Assert.Equal("cat", Suggestion.Closest("hat", ["rat", "cat", "mat"]));
        Assert.Equal("cat", Suggestion.Closest("hat", ["cat", "mat", "rat"]));
    }

    [Fact]
    public void A_hint_is_a_piece_of_a_sentence_or_nothing()
    {
        Assert.Equal("; did you mean `heads`?", Suggestion.Hint("head", ["heads", "width"]));
        Assert.Equal("", Suggestion.Hint("tokens", ["heads", "width"]));
        Assert.Equal("", Suggestion.Hint(new string('a', 101), [new string('a', 101)]));
    }
}
