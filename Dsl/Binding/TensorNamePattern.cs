using System.Globalization;
using System.Text;

namespace Mdl.Dsl.Binding;

/// <summary>Puts the arguments of a model into the braces of a tensor's name: <c>layers.{first + i}</c> with first = 2 becomes <c>layers.{i+2}</c>.</summary>
internal static class TensorNamePattern
{
    /// <summary>The name with indices alone in its braces, as <c>{i}</c> and <c>{e}</c>; null with a message where that cannot be.</summary>
    /// <param name="name">The name as written.</param>
    /// <param name="arguments">The arguments of the model.</param>
    /// <param name="indices">The words of the path's indices and the letter that each becomes.</param>
    /// <param name="error">What is wrong.</param>
    public static string? Resolve(string name, IReadOnlyDictionary<string, double> arguments, IReadOnlyList<(string Word, char Letter)> indices, out string error)
    {
        var result = new StringBuilder();
        var used = new HashSet<string>(StringComparer.Ordinal);
        error = "";
        for (var at = 0; at < name.Length; at++)
        {
            if (name[at] != '{')
            {
                result.Append(name[at]);
                continue;
            }

            var end = name.IndexOf('}', at);
            if (end < 0)
            {
                error = "a brace in the name is not closed";
                return null;
            }

            if (Sum(name.Substring(at + 1, end - at - 1), arguments, indices, used, result) is { } problem)
            {
                error = problem;
                return null;
            }

            at = end;
        }

        foreach (var (word, _) in indices)
        {
            if (!used.Contains(word))
            {
                error = $"the name does not use the index `{word}` of its path";
                return null;
            }
        }

        return result.ToString();
    }

    private static string? Sum(
        string text, IReadOnlyDictionary<string, double> arguments, IReadOnlyList<(string Word, char Letter)> indices, HashSet<string> used, StringBuilder result)
    {
        var constant = 0.0;
        char? letter = null;
        foreach (var term in text.Replace("-", "+-").Split('+'))
        {
            var word = term.Trim();
            var sign = word.StartsWith("-", StringComparison.Ordinal) ? -1 : 1;
            word = word.TrimStart('-').Trim();
            var index = indices.FirstOrDefault(i => i.Word == word);
            if (index.Word is not null)
            {
                if (letter is not null || sign < 0)
                {
                    return $"`{{{text}}}` has to be one index plus a number";
                }

                letter = index.Letter;
                used.Add(word);
            }
            else if (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || TryArgument(arguments, word, out number))
            {
                constant += sign * (double)number;
            }
            else
            {
                return $"the model has no integer argument and the path no index `{word}`{Suggestion.Hint(word, arguments.Keys.Concat(indices.Select(i => i.Word)))}";
            }
        }

        if (letter is null && constant < 0)
        {
            return $"`{{{text}}}` is negative";
        }

        var value = constant.ToString("0", CultureInfo.InvariantCulture);
        result.Append(letter is null ? value : constant == 0 ? $"{{{letter}}}" : $"{{{letter}{(constant > 0 ? "+" : "")}{value}}}");
        return null;
    }

    private static bool TryArgument(IReadOnlyDictionary<string, double> arguments, string word, out int number)
    {
        var known = arguments.TryGetValue(word, out var value) && value == Math.Floor(value) && Math.Abs(value) < int.MaxValue;
        number = known ? (int)value : 0;
        return known;
    }
}
