using System.Runtime.InteropServices;

namespace Mdl.Runtime.Tests.Kernels;

/// <summary>Native values between guards that show writes out of bounds.</summary>
internal sealed unsafe class Memory<T> : IDisposable
    where T : unmanaged
{
    private const int Guard = 64;
    private const byte Mark = 0xA5;
    private readonly byte* _memory;

    public Memory(long length)
    {
        Length = (int)length;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)((length * sizeof(T)) + (2 * Guard)), 64);
        new Span<byte>(_memory, (Length * sizeof(T)) + (2 * Guard)).Fill(Mark);
    }

    public static Memory<T> Of(params T[] values)
    {
        var memory = new Memory<T>(values.Length);
        values.CopyTo(memory.Span);
        return memory;
    }

    public int Length { get; }

    public T* Data => (T*)(_memory + Guard);

    public Span<T> Span => new(Data, Length);

    public T this[long i] => Data[i];

    public void AssertGuardsIntact()
    {
        for (var i = 0; i < Guard; i++)
        {
            Assert.Equal(Mark, _memory[i]);
            Assert.Equal(Mark, _memory[Guard + (Length * sizeof(T)) + i]);
        }
    }

    public void Dispose() => NativeMemory.AlignedFree(_memory);
}

internal static class Draw
{
    public static Memory<float> Normal(Random random, long length, double deviation = 1)
    {
        var memory = new Memory<float>(length);
        foreach (ref var value in memory.Span)
        {
            value = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return memory;
    }

    public static Memory<int> Integers(Random random, long length, int bound)
    {
        var memory = new Memory<int>(length);
        foreach (ref var value in memory.Span)
        {
            value = random.Next(bound);
        }

        return memory;
    }
}

internal static class Close
{
    /// <summary>Every element within the tolerance of the expected one, relative to 1 + the expected magnitude.</summary>
    public static void Assert(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Xunit.Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            var error = Math.Abs(expected[i] - actual[i]) / (1 + Math.Abs(expected[i]));
            Xunit.Assert.True(error <= tolerance, $"{what}[{i}] is {actual[i]:R}, expected {expected[i]:R}");
        }
    }
}

internal static class Garbage
{
    /// <summary>Bytes that a call allocates on the managed heap, once warm.</summary>
    public static long Of(Action call)
    {
        call();
        call();
        var before = GC.GetAllocatedBytesForCurrentThread();
        call();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
