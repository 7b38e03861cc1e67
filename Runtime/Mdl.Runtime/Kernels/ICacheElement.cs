using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>A number of a key/value cache in one format; widened in registers.</summary>
internal unsafe interface ICacheElement
{
    static abstract int Bytes { get; }

    /// <summary>Whether a head's numbers have a common factor.</summary>
    static abstract bool IsScaled { get; }

    static abstract Vector512<float> Load(byte* source);

    static abstract float Get(byte* source);

    /// <summary>Stores some numbers and returns their factor.</summary>
    static abstract float Put(float* from, byte* to, int count);
}

internal readonly unsafe struct SingleElement : ICacheElement
{
    public static int Bytes => sizeof(float);

    public static bool IsScaled => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(byte* source) => Vector512.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Get(byte* source) => *(float*)source;

    public static float Put(float* from, byte* to, int count)
    {
        Rows.Copy(from, (float*)to, count);
        return 1;
    }
}

internal readonly unsafe struct BFloat16Element : ICacheElement
{
    public static int Bytes => sizeof(ushort);

    public static bool IsScaled => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(byte* source) => Widening.BFloat16((ushort*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Get(byte* source) => BFloat16.Widen(*(ushort*)source);

    public static float Put(float* from, byte* to, int count)
    {
        BFloat16.Round(from, (ushort*)to, count);
        return 1;
    }
}

internal readonly unsafe struct SByteElement : ICacheElement
{
    private const float Largest = sbyte.MaxValue;

    public static int Bytes => sizeof(sbyte);

    public static bool IsScaled => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(byte* source) => Vector512.ConvertToSingle(Widening.Integers(Vector128.Load((sbyte*)source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Get(byte* source) => *(sbyte*)source;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Put(float* from, byte* to, int count)
    {
        var most = 0f;
        var i = 0;
        if (count >= Rows.Lanes)
        {
            var vector = Vector512<float>.Zero;
            for (; i <= count - Rows.Lanes; i += Rows.Lanes)
            {
                vector = Vector512.Max(vector, Vector512.Abs(Vector512.Load(from + i)));
            }

            most = Rows.Largest(vector);
        }

        for (; i < count; i++)
        {
            most = MathF.Max(most, MathF.Abs(from[i]));
        }

        // The reciprocal of what is smaller would overflow.
        var factor = most > 1e-35f ? Largest / most : 0;
        i = 0;
        for (; Avx512F.IsSupported && i <= count - Rows.Lanes; i += Rows.Lanes)
        {
            var rounded = Vector512.ConvertToInt32(Vector512.Round(Vector512.Load(from + i) * factor));
            Avx512F.ConvertToVector128SByteWithSaturation(rounded).Store((sbyte*)to + i);
        }

        for (; i < count; i++)
        {
            ((sbyte*)to)[i] = (sbyte)MathF.Round(from[i] * factor);
        }

        return most / Largest;
    }
}
