using System.Runtime.InteropServices;

namespace Mdl.Runtime.Tests.Gemm;

/// <summary>Native floats between guard values that show writes out of bounds.</summary>
internal sealed unsafe class Buffer : IDisposable
{
    private const int Guard = 64;
    private const float Mark = 12345.5f;
    private readonly float* _memory;

    public Buffer(long length, float fill)
    {
        Length = length;
        _memory = (float*)NativeMemory.Alloc((nuint)(length + 2 * Guard), sizeof(float));
        new Span<float>(_memory, (int)length + 2 * Guard).Fill(Mark);
        Span.Fill(fill);
    }

    public long Length { get; }

    public float* Data => _memory + Guard;

    public Span<float> Span => new(Data, (int)Length);

    public void AssertGuardsIntact()
    {
        for (var i = 0; i < Guard; i++)
        {
            Assert.Equal(Mark, _memory[i]);
            Assert.Equal(Mark, _memory[Guard + Length + i]);
        }
    }

    public void Dispose() => NativeMemory.Free(_memory);
}
