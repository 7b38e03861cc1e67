using System.Buffers;

namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>Finds added tokens: the leftmost, and of those that begin there the longest.</summary>
internal sealed class AddedTokenMatcher
{
    private readonly Dictionary<char, AddedToken[]> _byFirst;
    private readonly SearchValues<char> _firsts;

    public AddedTokenMatcher(IEnumerable<AddedToken> tokens)
    {
        _byFirst = tokens.GroupBy(t => t.Content[0]).ToDictionary(g => g.Key, g => g.OrderByDescending(t => t.Content.Length).ToArray());
        _firsts = SearchValues.Create([.. _byFirst.Keys]);
    }

    /// <summary>The next token at or behind a place.</summary>
    /// <returns>The token, or null, and the range it takes with the white space that belongs to it.</returns>
    public (AddedToken? Token, int Start, int End) Next(string text, int from)
    {
        for (var at = from; at < text.Length; at++)
        {
            var step = text.AsSpan(at).IndexOfAny(_firsts);
            if (step < 0)
            {
                break;
            }

            at += step;
            foreach (var token in _byFirst[text[at]])
            {
                if (string.CompareOrdinal(text, at, token.Content, 0, token.Content.Length) == 0)
                {
                    return Widen(text, from, token, at);
                }
            }
        }

        return (null, text.Length, text.Length);
    }

    private static (AddedToken Token, int Start, int End) Widen(string text, int from, AddedToken token, int at)
    {
        var (start, end) = (at, at + token.Content.Length);
        while (token.TakesLeft && start > from && char.IsWhiteSpace(text[start - 1]))
        {
            start--;
        }

        while (token.TakesRight && end < text.Length && char.IsWhiteSpace(text[end]))
        {
            end++;
        }

        return (token, start, end);
    }
}
