using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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
    public static Vector512<float> Sixteen(byte* data, long i) =>
        Vector512.ConvertToSingle(Widening.Integers(Vector128.Load((sbyte*)data + (16 * i))));

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
        var both = Widening.Integers(Vector128.Load(data + ((i >>> 1) * 16))).AsInt32();
        var one = (i & 1) == 0 ? both & Vector512.Create(15) : both >>> 4;
        return Vector512.ConvertToSingle(one - Vector512.Create(8));
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
        var wide = Widening.Integers(Vector128.Load(data + (16 * i)));
        var magnitude = ((wide & Vector512.Create(0x7Fu)) << 20).AsSingle() * Vector512.Create(Rebias);
        return (magnitude.AsUInt32() | ((wide & Vector512.Create(0x80u)) << 24)).AsSingle();
    }

    /// <inheritdoc/>
    public static float One(byte* data, long element) => Float8.Widen(data[element]);
}
