using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>A format of blocks that share a scale: how sixteen numbers of one half block become single precision.</summary>
internal unsafe interface IBlockFormat
{
    /// <summary>Elements in a block; a power of two, at least 32.</summary>
    static abstract int BlockSize { get; }

    /// <summary>The scale of a block.</summary>
    static abstract float Scale(byte* scales, long block);

    /// <summary>Elements 16 i .. 16 i + 15 of the data, without their scale.</summary>
    static abstract Vector512<float> Sixteen(byte* data, long i);

    /// <summary>One element, without its scale.</summary>
    static abstract float One(byte* data, long element);
}

/// <summary>See <see cref="ElementFormat.Int8Blocks"/>.</summary>
internal readonly unsafe struct Int8Format : IBlockFormat
{
    /// <inheritdoc/>
    public static int BlockSize => 32;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* scales, long block) => BFloat16.Widen(((ushort*)scales)[block]);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sixteen(byte* data, long i)
    {
        var bytes = Vector128.Load((sbyte*)data + (16 * i));
        if (Avx512F.IsSupported)
        {
            return Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(bytes));
        }

        var (low, high) = Vector128.Widen(bytes);
        return Vector512.ConvertToSingle(Vector512.Create(Vector256.WidenLower(low.ToVector256Unsafe()), Vector256.WidenLower(high.ToVector256Unsafe())));
    }

    /// <inheritdoc/>
    public static float One(byte* data, long element) => ((sbyte*)data)[element];
}

/// <summary>
/// See <see cref="ElementFormat.Int4Blocks"/>. The lower halves of a block's 16 bytes are its first 16 elements, the upper halves the others.
/// </summary>
internal readonly unsafe struct Int4Format : IBlockFormat
{
    /// <inheritdoc/>
    public static int BlockSize => 32;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* scales, long block) => BFloat16.Widen(((ushort*)scales)[block]);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sixteen(byte* data, long i)
    {
        var bytes = Vector128.Load(data + (i / 2 * 16));
        if (Avx512F.IsSupported)
        {
            var wide = Avx512F.ConvertToVector512Int32(bytes);
            var half = (i & 1) == 0 ? wide & Vector512.Create(15) : wide >>> 4;
            return Vector512.ConvertToSingle(half - Vector512.Create(8));
        }

        var numbers = ((i & 1) == 0 ? bytes & Vector128.Create((byte)15) : bytes >>> 4).AsSByte() - Vector128.Create((sbyte)8);
        var (low, high) = Vector128.Widen(numbers);
        return Vector512.ConvertToSingle(Vector512.Create(Vector256.WidenLower(low.ToVector256Unsafe()), Vector256.WidenLower(high.ToVector256Unsafe())));
    }

    /// <inheritdoc/>
    public static float One(byte* data, long element)
    {
        var both = data[(element / 32 * 16) + (element % 16)];
        return (element % 32 < 16 ? both & 15 : both >> 4) - 8;
    }
}

/// <summary>
/// See <see cref="ElementFormat.Float8Blocks"/>. Exponent and fraction, moved to where single precision has them, are the number times 2^-120, also for
/// subnormal ones. The one pattern that is no number stays out: see <see cref="BlockQuantizer"/>.
/// </summary>
internal readonly unsafe struct Float8Format : IBlockFormat
{
    private const float Rebias = 1.329227995784916e36f; // 2^120

    /// <inheritdoc/>
    public static int BlockSize => 128;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* scales, long block) => ((float*)scales)[block];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sixteen(byte* data, long i)
    {
        var bytes = Vector128.Load(data + (16 * i));
        Vector512<uint> wide;
        if (Avx512F.IsSupported)
        {
            wide = Avx512F.ConvertToVector512UInt32(bytes);
        }
        else
        {
            var (low, high) = Vector128.Widen(bytes);
            wide = Vector512.Create(Vector256.WidenLower(low.ToVector256Unsafe()), Vector256.WidenLower(high.ToVector256Unsafe()));
        }

        var magnitude = ((wide & Vector512.Create(0x7Fu)) << 20).AsSingle() * Vector512.Create(Rebias);
        return (magnitude.AsUInt32() | ((wide & Vector512.Create(0x80u)) << 24)).AsSingle();
    }

    /// <inheritdoc/>
    public static float One(byte* data, long element)
    {
        uint bits = data[element];
        var magnitude = BitConverter.UInt32BitsToSingle((bits & 0x7F) << 20) * Rebias;
        return (bits & 0x80) == 0 ? magnitude : -magnitude;
    }
}
