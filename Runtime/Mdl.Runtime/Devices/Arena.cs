using System.Runtime.InteropServices;

namespace Mdl.Runtime.Devices;

/// <summary>
/// One block of zeroed, 64-byte aligned native memory that holds every buffer of a program. Buffers whose lifetimes do not overlap share addresses.
/// </summary>
public sealed unsafe class Arena : IDisposable
{
    private const nint Alignment = 64;

    private void* _allocation;
    private byte* _memory;

    /// <summary>Allocates the memory.</summary>
    /// <param name="bytes">How much.</param>
    /// <param name="largePages">Whether to ask for large pages, of which each is there as a whole once a byte of it is used.</param>
    /// <exception cref="InsufficientMemoryException">The machine, or the container, has less.</exception>
    public Arena(long bytes, bool largePages = true)
    {
        Require(bytes);
        Bytes = bytes;

        // Fresh pages of the system are zero already: nothing is touched before it is used.
        _allocation = NativeMemory.AllocZeroed(checked((nuint)(bytes + Alignment)));
        _memory = (byte*)(((nint)_allocation + Alignment - 1) & -Alignment);
        if (largePages)
        {
            LargePages.Request(_memory, (nuint)bytes);
        }
    }

    /// <summary>The size in bytes.</summary>
    public long Bytes { get; }

    /// <summary>The first byte.</summary>
    public byte* Memory => _memory;

    /// <summary>
    /// Places buffers so that those alive at a common step share no address. Returns 64-byte aligned byte offsets and the total. Greedy by size,
    /// deterministic.
    /// </summary>
    public static long Place(ReadOnlySpan<BufferInfo> buffers, Span<long> offsets)
    {
        var order = new int[buffers.Length];
        var sizes = new long[buffers.Length];
        for (var i = 0; i < order.Length; i++)
        {
            (order[i], sizes[i]) = (i, buffers[i].Bytes);
        }

        Array.Sort(order, (a, b) => sizes[a] != sizes[b] ? sizes[b].CompareTo(sizes[a]) : a.CompareTo(b));
        var placed = new List<int>();
        long total = 0;
        foreach (var buffer in order)
        {
            // The lowest gap between the buffers that are alive at the same time.
            var busy = new List<(long Begin, long End)>();
            foreach (var other in placed)
            {
                if (buffers[other].First <= buffers[buffer].Last && buffers[buffer].First <= buffers[other].Last)
                {
                    busy.Add((offsets[other], offsets[other] + Align(sizes[other])));
                }
            }

            busy.Sort();
            long offset = 0;
            foreach (var (begin, end) in busy)
            {
                if (offset + Align(sizes[buffer]) <= begin)
                {
                    break;
                }

                offset = Math.Max(offset, end);
            }

            offsets[buffer] = offset;
            total = Math.Max(total, offset + Align(sizes[buffer]));
            placed.Add(buffer);
        }

        return total;
    }

    /// <summary>Throws if the machine has less memory than some bytes. Systems that promise more than they have would end the process on the first touch.</summary>
    /// <exception cref="InsufficientMemoryException">The machine, or the container, has less.</exception>
    internal static void Require(long bytes)
    {
        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > available)
        {
            throw new InsufficientMemoryException($"{bytes >> 20} MiB are needed, but the machine has {available >> 20} MiB.");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_allocation);
        _allocation = null;
        _memory = null;
    }

    private static long Align(long bytes) => (bytes + 63) & ~63L;
}
