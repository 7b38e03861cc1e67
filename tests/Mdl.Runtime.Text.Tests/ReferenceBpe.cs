using System.Text;

namespace Mdl.Runtime.Text.Tests;

/// <summary>Byte-level BPE as its definition reads, over lists of byte strings: slow, and nothing shared with the library.</summary>
internal sealed class ReferenceBpe
{
    public List<(string Left, string Right)> Merges { get; } = [];

    public Dictionary<string, int> Vocabulary { get; } = [];

    /// <summary>Learns the merges of the commonest pairs.</summary>
    public static ReferenceBpe Train(IReadOnlyList<string> words, int merges)
    {
        var bpe = new ReferenceBpe();
        for (var value = 0; value < 256; value++)
        {
            bpe.Vocabulary[Character(value)] = value;
        }

        var sequences = words.Select(Characters).ToList();
        while (bpe.Merges.Count < merges && sequences.Any(s => s.Count > 1))
        {
            var best = sequences.SelectMany(s => s.Zip(s.Skip(1))).GroupBy(p => p).OrderByDescending(g => g.Count()).ThenBy(g => g.Key).First().Key;
            bpe.Merges.Add(best);
            bpe.Vocabulary.TryAdd(best.First + best.Second, bpe.Vocabulary.Count);
            sequences = [.. sequences.Select(s => Merge(s, best))];
        }

        return bpe;
    }

    public IEnumerable<int> Encode(string word)
    {
        var parts = Characters(word);
        foreach (var merge in Merges)
        {
            parts = Merge(parts, merge);
        }

        return parts.Select(p => Vocabulary[p]);
    }

    public static string Character(int value)
    {
        // The table of the released GPT-2 encoder, computed its way: printable ranges first, the rest counted from 256.
        List<int> printable = [.. Enumerable.Range('!', '~' - '!' + 1), .. Enumerable.Range(0xA1, 0xAC - 0xA1 + 1), .. Enumerable.Range(0xAE, 0xFF - 0xAE + 1)];
        return printable.Contains(value) ? ((char)value).ToString() : ((char)(256 + Enumerable.Range(0, value).Count(v => !printable.Contains(v)))).ToString();
    }

    private static List<string> Characters(string word) => [.. Encoding.UTF8.GetBytes(word).Select(b => Character(b))];

    private static List<string> Merge(List<string> parts, (string Left, string Right) pair)
    {
        var merged = new List<string>();
        for (var i = 0; i < parts.Count; i++)
        {
            if (i + 1 < parts.Count && parts[i] == pair.Left && parts[i + 1] == pair.Right)
            {
                merged.Add(parts[i] + parts[++i]);
            }
            else
            {
                merged.Add(parts[i]);
            }
        }

        return merged;
    }
}
