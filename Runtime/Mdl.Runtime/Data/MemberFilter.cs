using System.Runtime.InteropServices;

namespace Mdl.Runtime.Data;

/// <summary>Drops paragraphs that occurred before.</summary>
internal static class MemberFilter
{
    /// <summary>
    /// The paragraphs, each ended by an empty line, whose hash is not in <paramref name="seen"/> yet, moved together at the beginning of
    /// <paramref name="text"/>; adds them to it.
    /// </summary>
    public static Memory<byte> WithoutRepetitions(Memory<byte> text, HashSet<ulong> seen)
    {
        var kept = text.Span;
        var length = 0;
        for (var rest = text.Span; rest.Length > 0;)
        {
            var end = rest.IndexOf("\n\n"u8);
            var paragraph = end < 0 ? rest : rest[..(end + 2)];
            if (seen.Add(Hash(paragraph)))
            {
                paragraph.CopyTo(kept[length..]);
                length += paragraph.Length;
            }

            rest = rest[paragraph.Length..];
        }

        return text[..length];
    }

    // Eight bytes at a time, multiplied and folded as in wyhash: one byte at a time would cost more than reading the files.
    private static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = (ulong)bytes.Length;
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            hash = Fold(hash ^ word);
        }

        foreach (var value in bytes[(bytes.Length & ~7)..])
        {
            hash = Fold(hash ^ value);
        }

        return hash;
    }

    private static ulong Fold(ulong value)
    {
        var high = Math.BigMul(value ^ 0xA0761D6478BD642F, 0xE7037ED1A0B428DBUL, out var low);
        return high ^ low;
    }
}
