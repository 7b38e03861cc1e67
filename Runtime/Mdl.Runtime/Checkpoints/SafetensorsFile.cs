using System.Buffers;
using System.Runtime.InteropServices;

namespace Mdl.Runtime.Checkpoints;

/// <summary>
/// An open safetensors file. Opening checks the whole header against the size of the file; reading converts F16 and BF16 to f32.
/// </summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private const int BufferSize = 1 << 20;
    private readonly FileStream _stream;
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(string path, FileStream stream)
    {
        Path = path;
        _stream = stream;
        _header = SafetensorsHeader.Read(path, stream);
    }

    /// <summary>The path the file was opened with.</summary>
    public string Path { get; }

    /// <summary>All tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => _header.Entries;

    /// <summary>The strings under <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="SafetensorsException">The file cannot be read, or its header is damaged or does not fit its size.</exception>
    public static SafetensorsFile Open(string path)
    {
        FileStream stream;
        try
        {
            // Reads go straight to their destination; a second buffer would only copy.
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SafetensorsException($"{path}: cannot be opened: {exception.Message}", exception);
        }

        try
        {
            return new SafetensorsFile(path, stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads a tensor of type F32, F16 or BF16 as f32.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="destination">As many values as the tensor has elements.</param>
    /// <exception cref="SafetensorsException">There is no such tensor, or it has another type or size, or the file is cut short.</exception>
    public void Read(string name, Span<float> destination)
    {
        fixed (float* pointer = destination)
        {
            Read(name, pointer, destination.Length);
        }
    }

    /// <summary>Reads a tensor of type F32, F16 or BF16 as f32.</summary>
    public void Read(string name, float* destination, long size)
    {
        if (!Tensors.TryGetValue(name, out var entry))
        {
            throw new SafetensorsException($"{Path}: there is no tensor \"{name}\".");
        }

        if (!IsReadable(entry))
        {
            throw new SafetensorsException($"{Path}: tensor \"{name}\" has type {entry.Type}; only F32, F16 and BF16 can be read.");
        }

        if (entry.Size != size)
        {
            throw new SafetensorsException($"{Path}: tensor \"{name}\" has {entry.Size} elements, not {size}.");
        }

        try
        {
            _stream.Position = _header.DataStart + entry.Begin;
            if (entry.Type == "F32")
            {
                ReadBytes((byte*)destination, size * sizeof(float));
            }
            else
            {
                ReadHalves(destination, size, entry.Type == "BF16");
            }
        }
        catch (EndOfStreamException exception)
        {
            throw new SafetensorsException($"{Path}: the file was cut short while tensor \"{name}\" was read.", exception);
        }
    }

    /// <summary>Reads bytes of a tensor as they stand in the file.</summary>
    internal void ReadRaw(string name, long begin, Span<byte> destination)
    {
        var entry = Tensors[name];
        ArgumentOutOfRangeException.ThrowIfNegative(begin);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(begin + destination.Length, entry.End - entry.Begin, nameof(begin));
        try
        {
            _stream.Position = _header.DataStart + entry.Begin + begin;
            _stream.ReadExactly(destination);
        }
        catch (EndOfStreamException exception)
        {
            throw new SafetensorsException($"{Path}: the file was cut short while tensor \"{name}\" was read.", exception);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    internal static bool IsReadable(SafetensorsEntry entry) => entry.Type is "F32" or "F16" or "BF16";

    private void ReadBytes(byte* destination, long count)
    {
        for (long done = 0; done < count;)
        {
            var part = (int)Math.Min(count - done, BufferSize);
            _stream.ReadExactly(new Span<byte>(destination + done, part));
            done += part;
        }
    }

    private void ReadHalves(float* destination, long size, bool brain)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (long done = 0; done < size;)
            {
                var part = (int)Math.Min(size - done, BufferSize / 2);
                var bytes = buffer.AsSpan(0, part * 2);
                _stream.ReadExactly(bytes);
                var halves = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (var i = 0; i < part; i++)
                {
                    destination[done + i] = brain
                        ? BitConverter.UInt32BitsToSingle((uint)halves[i] << 16)
                        : (float)BitConverter.UInt16BitsToHalf(halves[i]);
                }

                done += part;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
