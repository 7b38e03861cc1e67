using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>Collects tensors and writes them as one safetensors file. The tensors' memory is read when the file is written, not before.</summary>
public sealed unsafe class SafetensorsWriter
{
    private const int Alignment = 64;
    private readonly List<Pending> _tensors = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _metadata = new(StringComparer.Ordinal);

    /// <summary>Adds a tensor of single precision.</summary>
    /// <exception cref="ArgumentException">The name is taken or reserved.</exception>
    public void Add(string name, Tensor tensor)
    {
        var bytes = checked(tensor.Size * sizeof(float));
        Add(name, "F32", tensor.Shape, bytes, stream => WriteData(stream, (byte*)tensor.Data, bytes));
    }

    /// <summary>
    /// Adds a tensor of any type. In the file, tensors of whole lines of 64 bytes come first, so that each begins with one; of the others types of more bytes come
    /// first, as in the reference implementation, so that each begins at a multiple of its number's size. Else they lie in the order of addition.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its element type as the format names it: F32, BF16, ...</param>
    /// <param name="shape">The length of each dimension.</param>
    /// <param name="bytes">Bytes of its numbers.</param>
    /// <param name="write">Writes exactly these bytes.</param>
    /// <exception cref="ArgumentException">The name is taken or reserved.</exception>
    public void Add(string name, string type, IReadOnlyList<long> shape, long bytes, Action<Stream> write)
    {
        if (name == "__metadata__" || !_names.Add(name))
        {
            throw new ArgumentException($"The tensor name \"{name}\" is taken.", nameof(name));
        }

        _tensors.Add(new(name, type, shape, bytes, write));
    }

    /// <summary>Sets a metadata string.</summary>
    public void SetMetadata(string key, string value) => _metadata[key] = value;

    /// <summary>Writes the file atomically: see <see cref="AtomicFile"/>.</summary>
    public void Save(string path) => AtomicFile.Write(path, Write);

    private void Write(Stream stream)
    {
        Pending[] tensors = [.. _tensors.OrderBy(t => t.Bytes % Alignment != 0).ThenByDescending(t => t.Bytes % Alignment == 0 ? 0 : SafetensorsEntry.BytesOf(t.Type))];
        var header = Header(tensors);
        // Padding with spaces is part of the format; it lets a reader map the data with its alignment.
        var padded = ((header.WrittenCount + 8 + Alignment - 1) / Alignment * Alignment) - 8;
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)padded);
        stream.Write(prefix);
        stream.Write(header.WrittenSpan);
        for (var i = header.WrittenCount; i < padded; i++)
        {
            stream.WriteByte((byte)' ');
        }

        foreach (var tensor in tensors)
        {
            var end = stream.Position + tensor.Bytes;
            tensor.Write(stream);
            if (stream.Position != end)
            {
                throw new InvalidOperationException($"Tensor \"{tensor.Name}\" wrote {stream.Position - end + tensor.Bytes} bytes instead of {tensor.Bytes}.");
            }
        }
    }

    /// <summary>Writes memory in parts that a stream takes.</summary>
    internal static void WriteData(Stream stream, byte* data, long count)
    {
        const int Part = 1 << 20;
        for (long done = 0; done < count; done += Part)
        {
            stream.Write(new ReadOnlySpan<byte>(data + done, (int)Math.Min(Part, count - done)));
        }
    }

    private ArrayBufferWriter<byte> Header(Pending[] tensors)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        if (_metadata.Count > 0)
        {
            json.WriteStartObject("__metadata__");
            foreach (var (key, value) in _metadata)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }

        long offset = 0;
        foreach (var tensor in tensors)
        {
            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", tensor.Type);
            WriteNumbers(json, "shape", tensor.Shape);
            var end = checked(offset + tensor.Bytes);
            WriteNumbers(json, "data_offsets", [offset, end]);
            offset = end;
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.Flush();
        return buffer;
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IReadOnlyList<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }

    private sealed record Pending(string Name, string Type, IReadOnlyList<long> Shape, long Bytes, Action<Stream> Write);
}
