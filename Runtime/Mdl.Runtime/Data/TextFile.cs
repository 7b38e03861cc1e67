using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Mdl.Runtime.Data;

/// <summary>Reads files as UTF-8 text and tells text from other data.</summary>
internal static class TextFile
{
    // Text in another 8-bit encoding has a few per cent of invalid bytes and can still be learnt; compressed or random data has about half.
    private const double LargestInvalidShare = 0.1;

    /// <summary>At most <paramref name="limit"/> bytes of a file, without a byte order mark and with line feeds only.</summary>
    /// <exception cref="TextCorpusException">The file cannot be read.</exception>
    public static byte[] Read(string path, long limit)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            var bytes = new byte[Math.Min(stream.Length, Math.Min(limit, Array.MaxLength))];
            stream.ReadExactly(bytes);
            return Normalize(bytes);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new TextCorpusException($"{path}: cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>Says why bytes are not text, or null if they are.</summary>
    public static string? Objection(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Contains((byte)0))
        {
            return "is not text: it contains NUL bytes (UTF-16 must be converted to UTF-8)";
        }

        if (Utf8.IsValid(bytes))
        {
            return null;
        }

        long invalid = 0;
        for (var rest = bytes; rest.Length > 0;)
        {
            var status = Rune.DecodeFromUtf8(rest, out _, out var consumed);
            invalid += status == OperationStatus.Done ? 0 : consumed;
            rest = rest[consumed..];
        }

        var share = invalid / (double)bytes.Length;
        return share > LargestInvalidShare
            ? string.Create(CultureInfo.InvariantCulture, $"is not text: {100 * share:F0} % of its bytes are not valid UTF-8")
            : null;
    }

    private static byte[] Normalize(byte[] bytes)
    {
        var start = bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? 3 : 0;
        if (start == 0 && !bytes.AsSpan().Contains((byte)'\r'))
        {
            return bytes;
        }

        var length = 0;
        for (var i = start; i < bytes.Length; i++)
        {
            if (bytes[i] != '\r' || i + 1 == bytes.Length || bytes[i + 1] != '\n')
            {
                bytes[length++] = bytes[i];
            }
        }

        return bytes[..length];
    }
}
