namespace Mdl.Dsl;

/// <summary>What an author may have meant by a word that means nothing.</summary>
internal static class Suggestion
{
    // Words longer than this are nobody's typing error: a hint must cost nothing.
    private const int LongestWord = 100;

    /// <summary><c>; did you mean `heads`?</c>, or nothing where no candidate is near.</summary>
    public static string Hint(string word, IEnumerable<string> candidates) => Closest(word, candidates) is { } best ? $"; did you mean `{best}`?" : "";

    /// <summary>
    /// The candidate closest to the word, by letters inserted, removed, replaced or swapped with their neighbour; the first in ordinal order of several,
    /// null where none is close. Case does not count.
    /// </summary>
    public static string? Closest(string word, IEnumerable<string> candidates)
    {
        if (word.Length > LongestWord)
        {
            return null;
        }

        // A third of the letters may differ. A single letter is near every other one.
        var limit = word.Length == 1 ? 0 : Math.Max(1, word.Length / 3);
        string? best = null;
        var bestDistance = limit + 1;
        foreach (var candidate in candidates)
        {
            if (Math.Abs(candidate.Length - word.Length) > limit)
            {
                continue;
            }

            var distance = Distance(word, candidate);
            if (distance < bestDistance || (distance == bestDistance && best is not null && string.CompareOrdinal(candidate, best) < 0))
            {
                (best, bestDistance) = (candidate, distance);
            }
        }

        return best;
    }

    /// <summary>The optimal string alignment distance.</summary>
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
