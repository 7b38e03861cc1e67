using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>Operations on contiguous runs of floats, inlined into the kernels that use them.</summary>
internal static unsafe class Rows
{
    /// <summary>Floats in a vector.</summary>
    public const int Lanes = 16;

    /// <summary>Base-2 logarithm of e.</summary>
    public const float Log2E = 1.442695041f;

    /// <summary>Natural logarithm of 2.</summary>
    public const float Ln2 = 0.6931471806f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(float* from, float* to, long count) =>
        Buffer.MemoryCopy(from, to, count * sizeof(float), count * sizeof(float));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Clear(float* to, long count) => Unsafe.InitBlockUnaligned(to, 0, checked((uint)(count * sizeof(float))));

    /// <summary>to = from * scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(float* from, float* to, float scale, int count)
    {
        var i = 0;
        var factor = Vector512.Create(scale);
        for (; i <= count - Lanes; i += Lanes)
        {
            (Vector512.Load(from + i) * factor).Store(to + i);
        }

        for (; i < count; i++)
        {
            to[i] = from[i] * scale;
        }
    }

    /// <summary>to += from.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(float* from, float* to, int count)
    {
        var i = 0;
        for (; i <= count - Lanes; i += Lanes)
        {
            (Vector512.Load(to + i) + Vector512.Load(from + i)).Store(to + i);
        }

        for (; i < count; i++)
        {
            to[i] += from[i];
        }
    }

    /// <summary>to += from * scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(float* from, float* to, float scale, int count)
    {
        var i = 0;
        var factor = Vector512.Create(scale);
        for (; i <= count - Lanes; i += Lanes)
        {
            Vector512.FusedMultiplyAdd(Vector512.Load(from + i), factor, Vector512.Load(to + i)).Store(to + i);
        }

        for (; i < count; i++)
        {
            to[i] = MathF.FusedMultiplyAdd(from[i], scale, to[i]);
        }
    }

    /// <summary>The inner product, summed in an order that depends on the count alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dot(float* a, float* b, int count)
    {
        var i = 0;
        var sum0 = Vector512<float>.Zero;
        var sum1 = Vector512<float>.Zero;
        for (; i <= count - (2 * Lanes); i += 2 * Lanes)
        {
            sum0 = Vector512.FusedMultiplyAdd(Vector512.Load(a + i), Vector512.Load(b + i), sum0);
            sum1 = Vector512.FusedMultiplyAdd(Vector512.Load(a + i + Lanes), Vector512.Load(b + i + Lanes), sum1);
        }

        if (i <= count - Lanes)
        {
            sum0 = Vector512.FusedMultiplyAdd(Vector512.Load(a + i), Vector512.Load(b + i), sum0);
            i += Lanes;
        }

        var tail = 0f;
        for (; i < count; i++)
        {
            tail = MathF.FusedMultiplyAdd(a[i], b[i], tail);
        }

        return Sum(sum0 + sum1) + tail;
    }

    /// <summary>
    /// 2^x to about one unit in the last place for x up to 127; exactly 0 below -126; not-a-number stays. The polynomial for the fraction is Cephes' exp2f.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp2(Vector512<float> x)
    {
        // Adding 1.5 * 2^23 rounds to an integer that then stands in the low bits of the significand.
        var magic = Vector512.Create(12582912f);
        var shifted = x + magic;
        var f = x - (shifted - magic);
        var p = Vector512.FusedMultiplyAdd(Vector512.Create(1.535336188e-4f), f, Vector512.Create(1.339887440e-3f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(9.618437358e-3f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(5.550332471e-2f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(2.402264791e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(6.931472029e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512<float>.One);
        var power = Vector512.ShiftLeft(shifted.AsInt32(), 23) + p.AsInt32();
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(-126f)), Vector512<float>.Zero, power.AsSingle());
    }

    /// <summary>The largest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Vector512<float> x)
    {
        var half = Vector256.MaxNative(x.GetLower(), x.GetUpper());
        var quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        var pair = Vector128.MaxNative(quarter, Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1)));
        return float.MaxNative(pair[0], pair[1]);
    }

    /// <summary>The sum of the lanes; halves are added, which takes fewer steps than the pairs that <c>Vector512.Sum</c> adds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> x)
    {
        var half = x.GetLower() + x.GetUpper();
        var quarter = half.GetLower() + half.GetUpper();
        var pair = quarter + Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1));
        return pair[0] + pair[1];
    }

    /// <summary>Scratch memory of every worker, for bodies that do not hold the team.</summary>
    public static void Reserve(Team team, long bytes, nint* scratch)
    {
        for (var worker = 0; worker < team.Threads; worker++)
        {
            scratch[worker] = (nint)team.Scratch(worker, bytes);
        }
    }
}
