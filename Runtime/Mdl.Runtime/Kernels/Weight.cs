using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Where some numbers of a weight begin that may be held in a short format. It moves by elements, as a pointer does; formats with blocks keep the scales of
/// all blocks apart, in order.
/// </summary>
public readonly unsafe struct Weight
{
    private readonly byte* _data;
    private readonly byte* _scales;
    private readonly long _element;

    /// <summary>Numbers in some format.</summary>
    /// <param name="data">Element 0.</param>
    /// <param name="format">How they are held.</param>
    /// <param name="scales">The scales of the blocks; null for formats without.</param>
    /// <param name="element">The element that is meant.</param>
    public Weight(void* data, ElementFormat format, void* scales = null, long element = 0)
    {
        _data = (byte*)data;
        _scales = (byte*)scales;
        Format = format;
        _element = element;
    }

    /// <summary>How the numbers are held.</summary>
    public ElementFormat Format { get; }

    /// <summary>Whether there is no memory.</summary>
    internal bool IsNull => _data == null;

    /// <summary>The number of the element among all that share <see cref="Scales"/>.</summary>
    internal long Element => _element;

    /// <summary>The first byte of element 0.</summary>
    internal byte* Data => _data;

    /// <summary>The scale of the first block of all.</summary>
    internal byte* Scales => _scales;

    /// <summary>The byte that holds the element; two elements share one in a format of 4 bits.</summary>
    internal byte* Address
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Format switch
        {
            ElementFormat.Single => _data + (_element * sizeof(float)),
            ElementFormat.BFloat16 => _data + (_element * sizeof(ushort)),
            ElementFormat.Int4Blocks => _data + (_element / 32 * 16) + (_element % 16),
            _ => _data + _element,
        };
    }

    /// <summary>The floats, for what reads these alone.</summary>
    /// <exception cref="NotSupportedException">The numbers are held in a short format.</exception>
    public float* Floats => Format == ElementFormat.Single ? (float*)Address : throw new NotSupportedException(
        $"A matrix that is held as {Format} is read by an operation that reads single precision only. Declare it `in f32` in the .mdl file.");

    /// <summary>Floats.</summary>
    public static implicit operator Weight(float* data) => new(data, ElementFormat.Single);

    /// <summary>The place that lies some elements later.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Weight operator +(Weight weight, long elements) => new(weight._data, weight.Format, weight._scales, weight._element + elements);

    /// <summary>Bytes that a line of <paramref name="elements"/> takes, scales apart; for whole blocks.</summary>
    public static long Bytes(ElementFormat format, long elements) => format switch
    {
        ElementFormat.Single => elements * sizeof(float),
        ElementFormat.BFloat16 => elements * sizeof(ushort),
        ElementFormat.Int4Blocks => (elements + 1) / 2,
        _ => elements,
    };

    /// <summary>Elements in a block; 1 for formats without.</summary>
    internal static int BlockSize(ElementFormat format) => format switch
    {
        ElementFormat.Int8Blocks or ElementFormat.Int4Blocks => 32,
        ElementFormat.Float8Blocks => 128,
        _ => 1,
    };

    /// <summary>Bytes of the scales of <paramref name="elements"/>.</summary>
    public static long ScaleBytes(ElementFormat format, long elements) => format switch
    {
        ElementFormat.Int8Blocks or ElementFormat.Int4Blocks => elements / 32 * sizeof(ushort),
        ElementFormat.Float8Blocks => elements / 128 * sizeof(float),
        _ => 0,
    };
}
