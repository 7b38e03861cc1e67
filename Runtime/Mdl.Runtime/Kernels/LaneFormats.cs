using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>How elements that follow one another along a contraction are put together into lanes of 32 bits.</summary>
internal unsafe interface ILaneFormat
{
    /// <summary>Elements in a lane.</summary>
    static abstract int PerLane { get; }

    /// <summary>Puts <paramref name="count"/> neighbours into lanes; the last lane is filled up with zeros.</summary>
    static abstract void Row(Weight source, int count, uint* lanes);

    /// <summary>lanes[j] = element j of each of the rows; a row that does not exist is null and counts as zeros.</summary>
    static abstract void Interleave(Weight* rows, int count, uint* lanes);
}

/// <summary>Pairs of bfloat16, from memory in the same format or in single precision.</summary>
internal readonly unsafe struct BFloat16Lanes : ILaneFormat
{
    private const int Some = 64;

    /// <inheritdoc/>
    public static int PerLane => 2;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Row(Weight source, int count, uint* lanes)
    {
        lanes[(count - 1) / 2] = 0;
        switch (source.Format)
        {
            case ElementFormat.BFloat16:
                new ReadOnlySpan<ushort>(source.Address, count).CopyTo(new Span<ushort>(lanes, count));
                break;
            case ElementFormat.Single:
                BFloat16.Round((float*)source.Address, (ushort*)lanes, count);
                break;
            default:
                var some = stackalloc float[Some];
                for (var i = 0; i < count; i += Some)
                {
                    var part = Math.Min(Some, count - i);
                    WeightReader.Read(source + i, part, some);
                    BFloat16.Round(some, (ushort*)lanes + i, part);
                }

                break;
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Interleave(Weight* rows, int count, uint* lanes)
    {
        Weight even = rows[0], odd = rows[1];
        var j = 0;
        if (odd.IsNull)
        {
            for (; j < count; j++)
            {
                lanes[j] = One(even, j);
            }

            return;
        }

        if (Vector512.IsHardwareAccelerated && even.Format <= ElementFormat.BFloat16)
        {
            for (; j + 16 <= count; j += 16)
            {
                if (even.Format == ElementFormat.BFloat16)
                {
                    (Widen((ushort*)even.Address + j) | Vector512.ShiftLeft(Widen((ushort*)odd.Address + j), 16)).Store(lanes + j);
                }
                else
                {
                    var low = BFloat16.RoundToUpperHalf(Vector512.Load((float*)even.Address + j));
                    var high = BFloat16.RoundToUpperHalf(Vector512.Load((float*)odd.Address + j));
                    (Vector512.ShiftRightLogical(low, 16) | (high & Vector512.Create(0xFFFF0000u))).Store(lanes + j);
                }
            }
        }

        for (; j < count; j++)
        {
            lanes[j] = One(even, j) | ((uint)One(odd, j) << 16);
        }
    }

    private static Vector512<uint> Widen(ushort* source)
    {
        var (low, high) = Vector256.Widen(Vector256.Load(source));
        return Vector512.Create(low, high);
    }

    private static ushort One(Weight row, int j) => BFloat16.Round(WeightReader.Read(row + j));
}

/// <summary>Groups of four bytes; for the right operand with 128 added, which makes them unsigned.</summary>
internal readonly unsafe struct ByteLanes<TSide> : ILaneFormat
    where TSide : struct, IOperandSide
{
    /// <inheritdoc/>
    public static int PerLane => 4;

    private static uint Offset => TSide.IsRight ? 0x80808080u : 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Row(Weight source, int count, uint* lanes)
    {
        var all = (count + 3) / 4;
        lanes[all - 1] = 0;
        new ReadOnlySpan<byte>(source.Address, count).CopyTo(new Span<byte>(lanes, count));
        if (TSide.IsRight)
        {
            var i = 0;
            for (; i + 16 <= all; i += 16)
            {
                (Vector512.Load(lanes + i) ^ Vector512.Create(Offset)).Store(lanes + i);
            }

            for (; i < all; i++)
            {
                lanes[i] ^= Offset;
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Interleave(Weight* rows, int count, uint* lanes)
    {
        byte* r0 = At(rows[0]), r1 = At(rows[1]), r2 = At(rows[2]), r3 = At(rows[3]);
        var j = 0;
        if (Avx512F.IsSupported && r3 != null)
        {
            for (; j + 16 <= count; j += 16)
            {
                var a = Sse2.UnpackLow(Vector128.Load(r0 + j), Vector128.Load(r1 + j)).AsUInt16();
                var b = Sse2.UnpackLow(Vector128.Load(r2 + j), Vector128.Load(r3 + j)).AsUInt16();
                var c = Sse2.UnpackHigh(Vector128.Load(r0 + j), Vector128.Load(r1 + j)).AsUInt16();
                var d = Sse2.UnpackHigh(Vector128.Load(r2 + j), Vector128.Load(r3 + j)).AsUInt16();
                var offset = Vector128.Create(Offset);
                (Sse2.UnpackLow(a, b).AsUInt32() ^ offset).Store(lanes + j);
                (Sse2.UnpackHigh(a, b).AsUInt32() ^ offset).Store(lanes + j + 4);
                (Sse2.UnpackLow(c, d).AsUInt32() ^ offset).Store(lanes + j + 8);
                (Sse2.UnpackHigh(c, d).AsUInt32() ^ offset).Store(lanes + j + 12);
            }
        }

        for (; j < count; j++)
        {
            uint lane = r0[j];
            lane |= r1 == null ? 0 : (uint)r1[j] << 8;
            lane |= r2 == null ? 0 : (uint)r2[j] << 16;
            lane |= r3 == null ? 0 : (uint)r3[j] << 24;
            lanes[j] = lane ^ Offset;
        }
    }

    private static byte* At(Weight row) => row.IsNull ? null : row.Address;
}

/// <summary>Which operand of a product is meant.</summary>
internal interface IOperandSide
{
    /// <summary>Whether it is the right one.</summary>
    static abstract bool IsRight { get; }
}

/// <summary>The left operand.</summary>
internal readonly struct LeftSide : IOperandSide
{
    /// <inheritdoc/>
    public static bool IsRight => false;
}

/// <summary>The right operand.</summary>
internal readonly struct RightSide : IOperandSide
{
    /// <inheritdoc/>
    public static bool IsRight => true;
}

/// <summary>Single elements in single precision, from memory in any format.</summary>
internal readonly unsafe struct SingleLanes : ILaneFormat
{
    /// <inheritdoc/>
    public static int PerLane => 1;

    /// <inheritdoc/>
    public static void Row(Weight source, int count, uint* lanes) => WeightReader.Read(source, count, (float*)lanes);

    /// <inheritdoc/>
    public static void Interleave(Weight* rows, int count, uint* lanes) => Row(rows[0], count, lanes);
}
