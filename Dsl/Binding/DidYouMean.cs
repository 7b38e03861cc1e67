namespace Mdl.Dsl.Binding;

/// <summary>Finds the name that an author probably meant.</summary>
internal static class DidYouMean
{
    // Names longer than this are not looked at: a hint must cost nothing.
    private const int LongestName = 100;

    /// <summary><c>; did you mean `heads`?</c>, or nothing where no name is near.</summary>
    public static string Suggest(string name, IEnumerable<string> candidates)
    {
        if (name.Length > LongestName)
        {
            return "";
        }

        // A single letter is near every other one.
        var limit = name.Length == 1 ? 0 : Math.Max(1, name.Length / 3);
        string? best = null;
        var bestDistance = limit + 1;
        foreach (var candidate in candidates)
        {
            if (Math.Abs(candidate.Length - name.Length) > limit)
            {
                continue;
            }

            var distance = Distance(name, candidate);
            if (distance < bestDistance || (distance == bestDistance && best is not null && string.CompareOrdinal(candidate, best) < 0))
            {
                (best, bestDistance) = (candidate, distance);
            }
        }

        return best is null ? "" : $"; did you mean `{best}`?";
    }

    /// <summary>Fewest insertions, deletions, substitutions and swaps of neighbours; case does not count.</summary>
    private static int Distance(string left, string right)
    {
        var before = new int[right.Length + 1];
        var last = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var row = new int[right.Length + 1];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                row[j] = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + (Same(left[i - 1], right[j - 1]) ? 0 : 1));
                if (i > 1 && j > 1 && Same(left[i - 1], right[j - 2]) && Same(left[i - 2], right[j - 1]))
                {
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
                }
            }

            (before, last) = (last, row);
        }

        return last[right.Length];
    }

    private static bool Same(char a, char b) => char.ToLowerInvariant(a) == char.ToLowerInvariant(b);
}
