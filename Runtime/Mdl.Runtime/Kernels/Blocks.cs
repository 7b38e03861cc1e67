using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>A format of blocks that share a scale: how sixteen numbers of one half block become single precision.</summary>
internal unsafe interface IBlockFormat
{
    /// <summary>The binary logarithm of the elements in a block, at least 5.</summary>
    static abstract int BlockShift { get; }

    /// <summary>The binary logarithm of the elements that a cache line holds.</summary>
    static abstract int LineShift { get; }

    /// <summary>The scale of a block.</summary>
    static abstract float Scale(byte* scales, long block);

    /// <summary>Elements 16 i .. 16 i + 15 of the data, without their scale.</summary>
    static abstract Vector512<float> Sixteen(byte* data, long i);

    /// <summary>Elements 32 i .. 32 i + 31 of the data, without their scale.</summary>
    static abstract (Vector512<float> Low, Vector512<float> High) ThirtyTwo(byte* data, long i);

    /// <summary>One element, without its scale.</summary>
    static abstract float One(byte* data, long element);
}

/// <summary>See <see cref="ElementFormat.Int8Blocks"/>.</summary>
internal readonly unsafe struct Int8Format : IBlockFormat
{
    /// <inheritdoc/>
    public static int BlockShift => 5;

    /// <inheritdoc/>
    public static int LineShift => 6;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* scales, long block) => BFloat16.Widen(((ushort*)scales)[block]);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sixteen(byte* data, long i) =>
        Vector512.ConvertToSingle(Widening.Integers(Vector128.Load((sbyte*)data + (16 * i))));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Low, Vector512<float> High) ThirtyTwo(byte* data, long i) => (Sixteen(data, 2 * i), Sixteen(data, (2 * i) + 1));

    /// <inheritdoc/>
    public static float One(byte* data, long element) => ((sbyte*)data)[element];
}

/// <summary>
/// See <see cref="ElementFormat.Int4Blocks"/>. The lower halves of a block's 16 bytes are its first 16 elements, the upper halves the others.
/// </summary>
internal readonly unsafe struct Int4Format : IBlockFormat
{
    /// <inheritdoc/>
    public static int BlockShift => 5;

    /// <inheritdoc/>
    public static int LineShift => 7;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* scales, long block) => BFloat16.Widen(((ushort*)scales)[block]);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sixteen(byte* data, long i)
    {
        var both = Widening.Integers(Vector128.Load(data + ((i >>> 1) * 16))).AsInt32();
        return Numbers((i & 1) == 0 ? both : both >>> 4);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Low, Vector512<float> High) ThirtyTwo(byte* data, long i)
    {
        var both = Widening.Integers(Vector128.Load(data + (16 * i))).AsInt32();
        return (Numbers(both), Numbers(both >>> 4));
    }

    /// <inheritdoc/>
    public static float One(byte* data, long element)
    {
        var both = data[(element / 32 * 16) + (element % 16)];
        return (element % 32 < 16 ? both & 15 : both >> 4) - 8;
    }

    // A table of all sixteen numbers; the permutation looks at the lowest four bits only.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Numbers(Vector512<int> indices)
    {
        var table = Vector512.Create(-8f, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
        return Avx512F.IsSupported ? Avx512F.PermuteVar16x32(table, indices) : Vector512.Shuffle(table, indices & Vector512.Create(15));
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
    public static int BlockShift => 7;

    /// <inheritdoc/>
    public static int LineShift => 6;

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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Low, Vector512<float> High) ThirtyTwo(byte* data, long i) => (Sixteen(data, 2 * i), Sixteen(data, (2 * i) + 1));

    /// <inheritdoc/>
    public static float One(byte* data, long element) => Float8.Widen(data[element]);
}
