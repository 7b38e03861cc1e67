using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Checkpoints;

/// <summary>
/// An open safetensors file. Opening checks the whole header against the size of the file; data is read through a mapping of the file into memory, and F16 and
/// BF16 are converted to f32.
/// </summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly FileStream _stream;
    private readonly SafetensorsHeader _header;
    private MappedFile? _map;

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

        var source = Data(name);
        if (entry.Type == "F32")
        {
            Buffer.MemoryCopy(source, destination, size * sizeof(float), size * sizeof(float));
        }
        else if (entry.Type == "BF16")
        {
            BFloat16.Widen((ushort*)source, destination, size);
        }
        else
        {
            for (var i = 0L; i < size; i++)
            {
                destination[i] = (float)((Half*)source)[i];
            }
        }

        Release(name);
    }

    /// <summary>The bytes of a tensor as they stand in the file; valid until the file is closed.</summary>
    /// <exception cref="SafetensorsException">The file was cut short since it was opened.</exception>
    internal byte* Data(string name)
    {
        var entry = Tensors[name];
        // Touching what is not there any more would end the process.
        return _stream.Length >= _header.DataStart + entry.End
            ? (_map ??= new MappedFile(_stream, isPrivate: false)).Memory + _header.DataStart + entry.Begin
            : throw new SafetensorsException($"{Path}: the file was cut short while tensor \"{name}\" was read.");
    }

    /// <summary>Says that a tensor will not be read again soon.</summary>
    internal void Release(string name) => _map?.Release(_header.DataStart + Tensors[name].Begin, Tensors[name].End - Tensors[name].Begin);

    /// <summary>The whole file as memory that may be written without changing the file, for the caller to dispose; it outlives this object.</summary>
    internal MappedFile MapPrivately() => new(_stream, isPrivate: true);

    /// <summary>Where a tensor begins in the file.</summary>
    internal long PositionOf(string name) => _header.DataStart + Tensors[name].Begin;

    /// <inheritdoc/>
    public void Dispose()
    {
        _map?.Dispose();
        _stream.Dispose();
    }

    internal static bool IsReadable(SafetensorsEntry entry) => entry.Type is "F32" or "F16" or "BF16";
}
