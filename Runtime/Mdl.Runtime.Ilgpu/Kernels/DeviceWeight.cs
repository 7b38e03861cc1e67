using ILGPU;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>
/// Where some numbers of a weight begin in device memory, held in any format, as <see cref="Weight"/> on the host. Kernels read words of 32 bits and take the
/// numbers out of these, so that no device needs short types.
/// </summary>
public struct DeviceWeight
{
    /// <summary>Numbers that begin with a word, and whose scales do, in every format.</summary>
    private const int Unit = 256;

    internal ArrayView<int> Words;
    internal ArrayView<int> Scales;

    /// <summary>The number of the first element behind <see cref="Words"/>.</summary>
    internal int Element;

    /// <summary>An <see cref="ElementFormat"/>.</summary>
    internal int Format;

    /// <summary>Numbers in some format.</summary>
    /// <param name="words">Their memory.</param>
    /// <param name="scales">The scales of their blocks; not read for formats without.</param>
    /// <param name="format">How they are held.</param>
    internal DeviceWeight(ArrayView<float> words, ArrayView<float> scales, ElementFormat format)
    {
        (Words, Scales) = (words.Cast<int>(), scales.Cast<int>());
        (Element, Format) = (0, (int)format);
    }

    /// <summary>Floats.</summary>
    public static implicit operator DeviceWeight(ArrayView<float> floats) => new(floats, floats, ElementFormat.Single);

    /// <summary>The floats, for what reads these alone.</summary>
    /// <exception cref="NotSupportedException">The numbers are held in a short format.</exception>
    public readonly ArrayView<float> Floats => (ElementFormat)Format == ElementFormat.Single ? Words.Cast<float>().SubView(Element) : throw new NotSupportedException(
        $"A matrix that is held as {(ElementFormat)Format} is read by an operation that reads single precision only. Declare it `in f32` in the .mdl file.");

    /// <summary>The place that lies some elements later.</summary>
    public readonly DeviceWeight SubView(long elements)
    {
        var format = (ElementFormat)Format;
        var units = (Element + elements) / Unit;
        var moved = this;
        moved.Words = Words.SubView(units * Weight.Bytes(format, Unit) / sizeof(int));
        moved.Scales = format == ElementFormat.Single ? moved.Words : Scales.SubView(units * Weight.ScaleBytes(format, Unit) / sizeof(int));
        moved.Element = (int)(Element + elements - (units * Unit));
        return moved;
    }

    /// <summary>Number i, in a kernel.</summary>
    public static float Read(DeviceWeight weight, int i) => Read(weight, i, weight.Format);

    /// <summary>As above, of a format that the compiler of the kernel knows.</summary>
    internal static float Read(DeviceWeight weight, int i, int format)
    {
        var e = weight.Element + i;
        if (format == (int)ElementFormat.Single)
        {
            return Interop.IntAsFloat((uint)weight.Words[e]);
        }

        if (format == (int)ElementFormat.BFloat16)
        {
            return Half(weight.Words, e);
        }

        if (format == (int)ElementFormat.Int8Blocks)
        {
            return ((weight.Words[e >> 2] << (24 - ((e & 3) * 8))) >> 24) * Half(weight.Scales, e >> 5);
        }

        if (format == (int)ElementFormat.Int4Blocks)
        {
            // The lower halves of a block's 16 bytes are its first 16 elements, the upper halves the others.
            var at = ((e >> 5) * 16) + (e & 15);
            return (((weight.Words[at >> 2] >> (((at & 3) * 8) + ((e & 16) >> 2))) & 15) - 8) * Half(weight.Scales, e >> 5);
        }

        return Float8(weight.Words[e >> 2] >> ((e & 3) * 8)) * Interop.IntAsFloat((uint)weight.Scales[e >> 7]);
    }

    /// <summary>Number i of a row of bfloat16.</summary>
    private static float Half(ArrayView<int> words, int i)
    {
        var word = words[i >> 1];
        return Interop.IntAsFloat((uint)((i & 1) == 0 ? word << 16 : word & unchecked((int)0xFFFF0000)));
    }

    /// <summary>E4M3: below the least normal number, 2^-6, steps are 2^-9. The one pattern that is no number stays out.</summary>
    private static float Float8(int bits)
    {
        var magnitude = (bits & 0x78) == 0 ? (bits & 7) * (1f / 512) : Interop.IntAsFloat((uint)(((bits & 0x7F) << 20) + (120 << 23)));
        return (bits & 0x80) == 0 ? magnitude : -magnitude;
    }
}
