using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>Conversion between single precision and its upper half, rounded to nearest, ties to even; what is no number stays none.</summary>
public static unsafe class BFloat16
{
    /// <summary>The nearest bfloat16.</summary>
    public static ushort Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>The number, exactly.</summary>
    public static float Widen(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    /// <summary>Rounds some numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(float* source, ushort* target, long count)
    {
        var i = 0L;
        if (Vector512.IsHardwareAccelerated)
        {
            for (; i + 32 <= count; i += 32)
            {
                Vector512.Narrow(
                    Vector512.ShiftRightLogical(RoundToUpperHalf(Vector512.Load(source + i)), 16),
                    Vector512.ShiftRightLogical(RoundToUpperHalf(Vector512.Load(source + i + 16)), 16)).Store(target + i);
            }
        }

        for (; i < count; i++)
        {
            target[i] = Round(source[i]);
        }
    }

    /// <summary>Widens some numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen(ushort* source, float* target, long count)
    {
        var i = 0L;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i + 16 <= count; i += 16)
            {
                var (low, high) = Vector256.Widen(Vector256.Load(source + i));
                Vector256.ShiftLeft(low, 16).AsSingle().Store(target + i);
                Vector256.ShiftLeft(high, 16).AsSingle().Store(target + i + 8);
            }
        }

        for (; i < count; i++)
        {
            target[i] = Widen(source[i]);
        }
    }

    /// <summary>Bits whose upper half is the nearest bfloat16; the lower half is left over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<uint> RoundToUpperHalf(Vector512<float> values)
    {
        var bits = values.AsUInt32();
        var odd = Vector512.ShiftRightLogical(bits, 16) & Vector512<uint>.One;
        var rounded = bits + Vector512.Create(0x7FFFu) + odd;
        if (Avx512F.IsSupported)
        {
            // One instruction for the three below: where the second operand is no number, quiet or signalling, it comes back quiet; elsewhere the first.
            const int QuietIfNoNumber = 0x22;
            return Avx512F.Fixup(rounded.AsSingle(), values, Vector512.Create(QuietIfNoNumber), 0).AsUInt32();
        }

        return Vector512.ConditionalSelect(Vector512.Equals(values, values).AsUInt32(), rounded, bits | Vector512.Create(0x400000u));
    }
}
