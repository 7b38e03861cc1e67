using System.Text;
using System.Text.RegularExpressions;

namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>Cuts text by a regular expression of Hugging Face's tokenizers: matches and what lies between them are pieces of their own.</summary>
internal sealed class SplitPattern
{
    /// <summary>The pattern that "ByteLevel" implies (GPT-2).</summary>
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private readonly Regex _regex;

    /// <exception cref="ArgumentException">.NET's regular expressions do not know something in it.</exception>
    public SplitPattern(string pattern) =>
        _regex = new Regex(PossessiveQuantifiers.Rewrite(pattern), RegexOptions.CultureInvariant | RegexOptions.Compiled);

    /// <summary>Adds the pieces of a piece.</summary>
    public void Split(string text, Range piece, List<Range> pieces)
    {
        var (start, length) = piece.GetOffsetAndLength(text.Length);
        var span = text.AsSpan(start, length);
        var (characters, starts) = SingleUnits(span);
        var last = 0;
        foreach (var match in _regex.EnumerateMatches(characters))
        {
            Add(last, match.Index);
            Add(match.Index, match.Index + match.Length);
            last = match.Index + match.Length;
        }

        Add(last, characters.Length);

        void Add(int from, int to)
        {
            if (to > from)
            {
                pieces.Add((start + At(from))..(start + At(to)));
            }
        }

        int At(int index) => starts is null ? index : starts[index];
    }

    // .NET matches UTF-16 units, so half a character beyond U+FFFF is neither letter nor digit. Such characters are represented by one of their category.
    private static (string Characters, int[]? Starts) SingleUnits(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAnyInRange('\uD800', '\uDFFF'))
        {
            return (text.ToString(), null);
        }

        var characters = new StringBuilder(text.Length);
        var starts = new int[text.Length + 1];
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            starts[characters.Length] = at;
            characters.Append(rune.IsBmp ? (char)rune.Value : CategoryRepresentatives.Of(rune));
            at += rune.Utf16SequenceLength;
        }

        starts[characters.Length] = at;
        return (characters.ToString(), starts);
    }
}
