using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>Collects f32 tensors and writes them as one safetensors file. The tensors' memory is read when the file is written, not before.</summary>
public sealed unsafe class SafetensorsWriter
{
    private const int Alignment = 64;
    private readonly List<(string Name, Tensor Tensor)> _tensors = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _metadata = new(StringComparer.Ordinal);

    /// <summary>Adds a tensor; they lie in the file in the order of addition.</summary>
    /// <exception cref="ArgumentException">The name is taken or reserved.</exception>
    public void Add(string name, Tensor tensor)
    {
        if (name == "__metadata__" || !_names.Add(name))
        {
            throw new ArgumentException($"The tensor name \"{name}\" is taken.", nameof(name));
        }

        _tensors.Add((name, tensor));
    }

    /// <summary>Sets a metadata string.</summary>
    public void SetMetadata(string key, string value) => _metadata[key] = value;

    /// <summary>Writes the file atomically: see <see cref="AtomicFile"/>.</summary>
    public void Save(string path) => AtomicFile.Write(path, Write);

    private void Write(Stream stream)
    {
        var header = Header();
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

        foreach (var (_, tensor) in _tensors)
        {
            WriteData(stream, (byte*)tensor.Data, tensor.Size * sizeof(float));
        }
    }

    private static void WriteData(Stream stream, byte* data, long count)
    {
        const int Part = 1 << 20;
        for (long done = 0; done < count; done += Part)
        {
            stream.Write(new ReadOnlySpan<byte>(data + done, (int)Math.Min(Part, count - done)));
        }
    }

    private ArrayBufferWriter<byte> Header()
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
        foreach (var (name, tensor) in _tensors)
        {
            json.WriteStartObject(name);
            json.WriteString("dtype", "F32");
            WriteNumbers(json, "shape", tensor.Shape);
            var end = checked(offset + (tensor.Size * sizeof(float)));
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
}
