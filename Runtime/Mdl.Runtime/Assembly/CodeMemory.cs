using System.Runtime.InteropServices;

namespace Mdl.Runtime.Assembly;

/// <summary>Executable memory for one routine. The pages are written first and made executable afterwards, never both at once.</summary>
internal sealed unsafe partial class CodeMemory : IDisposable
{
    private readonly nuint _bytes;
    private void* _memory;

    private CodeMemory(void* memory, nuint bytes)
    {
        _memory = memory;
        _bytes = bytes;
    }

    /// <summary>The first byte of the routine.</summary>
    public void* Entry => _memory;

    /// <summary>Copies a routine into executable memory; null where the system or a policy does not allow it.</summary>
    public static CodeMemory? TryCreate(ReadOnlySpan<byte> code)
    {
        var page = (nuint)Environment.SystemPageSize;
        var bytes = ((nuint)code.Length + page - 1) / page * page;
        var memory = OperatingSystem.IsWindows() ? Windows.Allocate(bytes) : Posix.Allocate(bytes);
        if (memory == null)
        {
            return null;
        }

        code.CopyTo(new Span<byte>(memory, code.Length));
        var result = new CodeMemory(memory, bytes);
        if (OperatingSystem.IsWindows() ? Windows.Seal(memory, bytes) : Posix.Seal(memory, bytes))
        {
            return result;
        }

        result.Dispose();
        return null;
    }

    /// <summary>The error of a system that gave executable memory before.</summary>
    public static InvalidOperationException Exhausted() => new("The system gives no more executable memory.");

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_memory == null)
        {
            return;
        }

        if (OperatingSystem.IsWindows())
        {
            Windows.Free(_memory);
        }
        else
        {
            Posix.Free(_memory, _bytes);
        }

        _memory = null;
    }

    private static partial class Posix
    {
        private const int Read = 1;
        private const int Write = 2;
        private const int Execute = 4;
        private const int Private = 2;

        public static void* Allocate(nuint bytes)
        {
            var anonymous = OperatingSystem.IsLinux() ? 0x20 : 0x1000;
            var memory = Map(null, bytes, Read | Write, Private | anonymous, -1, 0);
            return memory == (void*)-1 ? null : memory;
        }

        public static bool Seal(void* memory, nuint bytes) => Protect(memory, bytes, Read | Execute) == 0;

        public static void Free(void* memory, nuint bytes) => _ = Unmap(memory, bytes);

        [LibraryImport("libc", EntryPoint = "mmap")]
        private static partial void* Map(void* address, nuint bytes, int protection, int flags, int file, nint offset);

        [LibraryImport("libc", EntryPoint = "mprotect")]
        private static partial int Protect(void* address, nuint bytes, int protection);

        [LibraryImport("libc", EntryPoint = "munmap")]
        private static partial int Unmap(void* address, nuint bytes);
    }

    private static partial class Windows
    {
        private const uint CommitAndReserve = 0x3000;
        private const uint Release = 0x8000;
        private const uint ReadWrite = 0x04;
        private const uint ExecuteRead = 0x20;

        public static void* Allocate(nuint bytes) => VirtualAlloc(null, bytes, CommitAndReserve, ReadWrite);

        public static bool Seal(void* memory, nuint bytes)
        {
            uint before;
            return VirtualProtect(memory, bytes, ExecuteRead, &before) != 0;
        }

        public static void Free(void* memory) => _ = VirtualFree(memory, 0, Release);

        [LibraryImport("kernel32")]
        private static partial void* VirtualAlloc(void* address, nuint bytes, uint type, uint protection);

        [LibraryImport("kernel32")]
        private static partial int VirtualProtect(void* address, nuint bytes, uint protection, uint* before);

        [LibraryImport("kernel32")]
        private static partial int VirtualFree(void* address, nuint bytes, uint type);
    }
}
