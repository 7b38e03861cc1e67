using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Mdl.Runtime.Checkpoints;

/// <summary>
/// Reads and checks the header of a safetensors file: eight bytes of length, then JSON. Every tensor must lie where the format allows it, and
/// together they must fill the file without gap or overlap, as the reference implementation demands.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The reference implementation's limit.</summary>
    public const int LargestLength = 100_000_000;

    private readonly string _file;
    private readonly long _dataLength;
    private readonly Dictionary<string, SafetensorsEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsHeader(string file, long dataLength)
    {
        _file = file;
        _dataLength = dataLength;
    }

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Where the header ends and the data begins.</summary>
    public long DataStart { get; private init; }

    public static SafetensorsHeader Read(string file, Stream stream)
    {
        var fileLength = stream.Length;
        if (fileLength < 8)
        {
            throw new SafetensorsException($"{file}: not a safetensors file: {fileLength} bytes cannot hold the 8-byte header length.");
        }

        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > LargestLength || (long)length > fileLength - 8)
        {
            throw new SafetensorsException(
                $"{file}: not a safetensors file or truncated: it announces a header of {length} bytes, but {fileLength - 8} bytes follow (limit {LargestLength}).");
        }

        var json = new byte[length];
        stream.ReadExactly(json);
        var dataStart = 8 + (long)length;
        var header = new SafetensorsHeader(file, fileLength - dataStart) { DataStart = dataStart };
        try
        {
            header.ReadJson(json);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            throw new SafetensorsException($"{file}: the header is not valid JSON: {OneLine(exception.Message)}", exception);
        }

        header.CheckLayout();
        return header;
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");

    private void ReadJson(ReadOnlySpan<byte> json)
    {
        if (json.Length == 0 || json[0] != (byte)'{')
        {
            throw new SafetensorsException($"{_file}: the header must be a JSON object and start with '{{'.");
        }

        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name == "__metadata__")
            {
                ReadMetadata(ref reader);
            }
            else if (!_entries.TryAdd(name, ReadEntry(ref reader, name)))
            {
                throw Fail(name, "occurs twice in the header");
            }
        }

        // The reader has come to the closing brace; anything but white space after it makes this throw.
        while (reader.Read())
        {
        }
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject || _metadata.Count > 0)
        {
            throw new SafetensorsException($"{_file}: \"__metadata__\" must be one object of strings.");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String || !_metadata.TryAdd(key, reader.GetString()!))
            {
                throw new SafetensorsException($"{_file}: \"__metadata__\" entry \"{Shorten(key)}\" must be one string.");
            }
        }
    }

    private SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Fail(name, "must be described by an object with dtype, shape and data_offsets");
        }

        string? type = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString();
            reader.Read();
            switch (key)
            {
                case "dtype" when type is null && reader.TokenType == JsonTokenType.String:
                    type = reader.GetString()!;
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(ref reader, name, "shape");
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(ref reader, name, "data_offsets");
                    break;
                default:
                    throw Fail(name, $"has an unexpected, repeated or mistyped field \"{Shorten(key!)}\"");
            }
        }

        if (type is null || shape is null || offsets is not [var begin, var end])
        {
            throw Fail(name, "must have a dtype, a shape and two data_offsets");
        }

        var entry = new SafetensorsEntry(name, type, shape, begin, end);
        CheckEntry(entry);
        return entry;
    }

    private List<long> ReadNumbers(ref Utf8JsonReader reader, string name, string field)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Fail(name, $"has a {field} that is not an array");
        }

        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
            {
                throw Fail(name, $"has a {field} with an entry that is not a whole number from 0 to 2^63 - 1");
            }

            numbers.Add(number);
        }

        return numbers;
    }

    private void CheckEntry(SafetensorsEntry entry)
    {
        var width = SafetensorsEntry.BytesOf(entry.Type);
        if (width == 0)
        {
            throw Fail(entry.Name, $"has the unknown dtype \"{Shorten(entry.Type)}\"");
        }

        if (entry.Begin > entry.End || entry.End > _dataLength)
        {
            throw Fail(entry.Name, $"has data_offsets [{entry.Begin}, {entry.End}], which must be in order and within the {_dataLength} bytes of data");
        }

        long bytes = width;
        try
        {
            foreach (var length in entry.Shape)
            {
                bytes = checked(bytes * length);
            }
        }
        catch (OverflowException)
        {
            throw Fail(entry.Name, $"has a shape with more elements than a file can hold");
        }

        if (bytes != entry.End - entry.Begin)
        {
            throw Fail(entry.Name, $"needs {bytes} bytes for {entry.Type} [{string.Join(", ", entry.Shape)}], but its data_offsets span {entry.End - entry.Begin}");
        }
    }

    private void CheckLayout()
    {
        long position = 0;
        var previous = "the start";
        foreach (var entry in _entries.Values.OrderBy(e => e.Begin).ThenBy(e => e.End))
        {
            if (entry.Begin != position)
            {
                throw Fail(entry.Name, $"begins at byte {entry.Begin}, but the data of {previous} ends at {position}: tensors must neither overlap nor leave gaps");
            }

            position = entry.End;
            previous = $"\"{Shorten(entry.Name)}\"";
        }

        if (position != _dataLength)
        {
            throw new SafetensorsException($"{_file}: the tensors fill {position} bytes, but {_dataLength} bytes of data follow the header.");
        }
    }

    private SafetensorsException Fail(string tensor, string problem) => new($"{_file}: tensor \"{Shorten(tensor)}\" {problem}.");

    // A hostile name must not flood the terminal or break the line.
    private static string Shorten(string text)
    {
        var clean = string.Concat(text.Take(120).Select(c => char.IsControl(c) ? '?' : c));
        return text.Length > 120 ? clean + "..." : clean;
    }
}
