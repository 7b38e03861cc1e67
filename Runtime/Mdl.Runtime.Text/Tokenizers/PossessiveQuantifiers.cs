using System.Text;

namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>Writes possessive quantifiers (<c>x?+</c>, <c>x++</c>), which .NET does not have, as the atomic groups that they stand for.</summary>
internal static class PossessiveQuantifiers
{
    /// <exception cref="ArgumentException">A character class holds another or an intersection: .NET would read it otherwise.</exception>
    public static string Rewrite(string pattern)
    {
        var output = new StringBuilder();
        var groups = new Stack<int>();
        var at = 0;
        while (at < pattern.Length)
        {
            var atom = output.Length;
            var character = pattern[at];
            if (character == '(')
            {
                groups.Push(output.Length);
                output.Append(pattern[at++]);
                continue;
            }

            if (character == ')' && groups.Count > 0)
            {
                atom = groups.Pop();
            }

            var end = character switch
            {
                '\\' => EscapeEnd(pattern, at),
                '[' => ClassEnd(pattern, at),
                _ => at + 1,
            };
            output.Append(pattern, at, end - at);
            at = Quantifier(pattern, end, output, atom);
        }

        return output.ToString();
    }

    private static int Quantifier(string pattern, int at, StringBuilder output, int atom)
    {
        var end = at < pattern.Length && pattern[at] is '?' or '*' or '+' ? at + 1
            : at < pattern.Length && pattern[at] == '{' ? pattern.IndexOf('}', at) + 1
            : at;
        if (end <= at)
        {
            return at;
        }

        output.Append(pattern, at, end - at);
        // Oniguruma reads x{1,3}+ as a repetition of a repetition, not as possessive.
        if (end < pattern.Length && pattern[end] == '+')
        {
            output.Insert(atom, pattern[at] == '{' ? "(?:" : "(?>").Append(pattern[at] == '{' ? ")+" : ")");
            return end + 1;
        }

        if (end < pattern.Length && pattern[end] == '?')
        {
            output.Append('?');
            return end + 1;
        }

        return end;
    }

    private static int EscapeEnd(string pattern, int at) =>
        at + 2 < pattern.Length && pattern[at + 1] is 'p' or 'P' && pattern[at + 2] == '{' ? pattern.IndexOf('}', at) + 1 : Math.Min(at + 2, pattern.Length);

    private static int ClassEnd(string pattern, int at)
    {
        var first = at + 1 < pattern.Length && pattern[at + 1] == '^' ? at + 2 : at + 1;
        for (var i = first; i < pattern.Length; i++)
        {
            if (pattern[i] == '\\')
            {
                i++;
            }
            else if (pattern[i] == ']' && i > first)
            {
                return i + 1;
            }
            else if (pattern[i] == '[' || (pattern[i] == '&' && i + 1 < pattern.Length && pattern[i + 1] == '&'))
            {
                throw new ArgumentException($"the character class at {at} holds another class or an intersection");
            }
        }

        throw new ArgumentException($"the character class at {at} has no end");
    }
}
