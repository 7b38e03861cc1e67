using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>Sixteen numbers of a short format in registers.</summary>
internal static unsafe class Widening
{
    /// <summary>Signed bytes as integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Integers(Vector128<sbyte> bytes)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512Int32(bytes);
        }

        var (low, high) = Vector128.Widen(bytes);
        var (first, second) = Vector256.Widen(Vector256.Create(low, high));
        return Vector512.Create(first, second);
    }

    /// <summary>Bytes without a sign as integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Integers(Vector128<byte> bytes)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512UInt32(bytes);
        }

        var (low, high) = Vector128.Widen(bytes);
        var (first, second) = Vector256.Widen(Vector256.Create(low, high));
        return Vector512.Create(first, second);
    }

    /// <summary>bfloat16 as single precision.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> BFloat16(ushort* source)
    {
        var halves = Vector256.Load(source);
        if (Avx512F.IsSupported)
        {
            return Vector512.ShiftLeft(Avx512F.ConvertToVector512UInt32(halves), 16).AsSingle();
        }

        var (low, high) = Vector256.Widen(halves);
        return Vector512.Create(Vector256.ShiftLeft(low, 16), Vector256.ShiftLeft(high, 16)).AsSingle();
    }
}
