using System.Runtime.InteropServices;

namespace Mdl.Runtime.Devices;

/// <summary>
/// Asks the system for large pages: matrices in them neither run out of the processor's translation buffers nor stop the hardware's
/// prefetching at the end of every small page.
/// </summary>
internal static unsafe partial class LargePages
{
    private const int HugePage = 14;

    /// <summary>Wishes that memory not yet touched comes in large pages. What the memory holds does not change.</summary>
    public static void Request(void* memory, nuint bytes)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var page = (nuint)Environment.SystemPageSize;
        var begin = ((nuint)memory + page - 1) / page * page;
        var end = ((nuint)memory + bytes) / page * page;
        if (begin < end)
        {
            // A system without large pages refuses, and the memory is as good as before.
            _ = Advise((void*)begin, end - begin, HugePage);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint bytes, int advice);
}
