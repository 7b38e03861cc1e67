using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Mdl.Runtime.Checkpoints;

/// <summary>
/// A file as memory: its pages are the system's, read when they are touched and given back when memory is short. A file that is cut short while it is mapped
/// ends the process when the missing pages are touched; readers check its length first.
/// </summary>
internal sealed unsafe partial class MappedFile : IDisposable
{
    private const int DontNeed = 4;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _memory;

    /// <summary>Maps a whole file, which must not be empty.</summary>
    /// <param name="stream">The file, open for reading; it may be closed afterwards.</param>
    /// <param name="isPrivate">Whether the memory may be written; what is written stays in this process.</param>
    public MappedFile(FileStream stream, bool isPrivate)
    {
        var access = isPrivate ? MemoryMappedFileAccess.CopyOnWrite : MemoryMappedFileAccess.Read;
        _file = MemoryMappedFile.CreateFromFile(stream, null, 0, access, HandleInheritability.None, leaveOpen: true);
        _view = _file.CreateViewAccessor(0, 0, access);
        Length = stream.Length;
        byte* pointer = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        _memory = pointer + _view.PointerOffset;
    }

    /// <summary>Bytes of the file.</summary>
    public long Length { get; }

    /// <summary>The first byte of the file; at the beginning of a page.</summary>
    public byte* Memory => _memory;

    /// <summary>Tells the system that some bytes are not needed soon, so that a large file that is read once does not look like memory of the process. Not for private mappings.</summary>
    public void Release(long begin, long count)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        long page = Environment.SystemPageSize;
        var first = (begin + page - 1) / page * page;
        var last = (begin + count) / page * page;
        if (first < last)
        {
            // Only advice: the contents are those of the file whatever comes of it.
            _ = Advise(_memory + first, (nuint)(last - first), DontNeed);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_memory != null)
        {
            _memory = null;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
        }

        _view.Dispose();
        _file.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint bytes, int advice);
}
