using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>Zeroed numbers that begin at a cache line and that the collector neither moves nor scans.</summary>
internal sealed unsafe class AlignedMemory<T>
    where T : unmanaged
{
    private const int Alignment = 64;
    private readonly byte[] _bytes;

    public AlignedMemory(long count)
    {
        _bytes = GC.AllocateArray<byte>(checked((int)((count * sizeof(T)) + Alignment)), pinned: true);
        Pointer = (T*)(((nint)Unsafe.AsPointer(ref _bytes[0]) + Alignment - 1) & -Alignment);
        Count = count;
    }

    public T* Pointer { get; }

    public long Count { get; }

    public Span<T> Span => new(Pointer, checked((int)Count));
}
