using System.Runtime.InteropServices;

namespace Mdl.Runtime.Devices;

/// <summary>Growing native memory, one block per slot.</summary>
internal sealed unsafe class TeamScratch : IDisposable
{
    private const int Alignment = 64;
    private readonly nint[] _memory;
    private readonly long[] _bytes;

    public TeamScratch(int slots)
    {
        _memory = new nint[slots];
        _bytes = new long[slots];
    }

    public long Bytes => _bytes.Sum();

    public void* Get(int slot, long bytes)
    {
        if (bytes > _bytes[slot])
        {
            Grow(slot, bytes);
        }

        return (void*)_memory[slot];
    }

    public void Dispose()
    {
        for (var i = 0; i < _memory.Length; i++)
        {
            NativeMemory.AlignedFree((void*)_memory[i]);
            _memory[i] = 0;
            _bytes[i] = 0;
        }
    }

    private void Grow(int slot, long bytes)
    {
        NativeMemory.AlignedFree((void*)_memory[slot]);
        _memory[slot] = 0;
        _bytes[slot] = 0;
        _memory[slot] = (nint)NativeMemory.AlignedAlloc(checked((nuint)bytes), Alignment);
        _bytes[slot] = bytes;
    }
}
