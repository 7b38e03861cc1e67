using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>Sums of vectors with factors. Every update of every sampler is one of these, in one pass over memory.</summary>
internal static class Combination
{
    /// <summary>y = a y + b x.</summary>
    public static void Update<T>(Span<T> y, double a, double b, ReadOnlySpan<T> x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Set(y, a, y, b, x, 0, x, 0, x, 0, x);

    /// <summary>y = a y + b x + c z.</summary>
    public static void Update<T>(Span<T> y, double a, double b, ReadOnlySpan<T> x, double c, ReadOnlySpan<T> z)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Set(y, a, y, b, x, c, z, 0, x, 0, x);

    /// <summary>y = a0 x0 + .. + a4 x4; y may be one of them. A vector with factor 0 counts for nothing, whatever it holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Set<T>(
        Span<T> y, double a0, ReadOnlySpan<T> x0, double a1, ReadOnlySpan<T> x1, double a2, ReadOnlySpan<T> x2, double a3, ReadOnlySpan<T> x3, double a4,
        ReadOnlySpan<T> x4)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var (f0, f1, f2, f3, f4) = (T.CreateTruncating(a0), T.CreateTruncating(a1), T.CreateTruncating(a2), T.CreateTruncating(a3), T.CreateTruncating(a4));
        x2 = a2 == 0 ? x1[..y.Length] : x2[..y.Length];
        x3 = a3 == 0 ? x1[..y.Length] : x3[..y.Length];
        x4 = a4 == 0 ? x1[..y.Length] : x4[..y.Length];
        x0 = x0[..y.Length];
        x1 = x1[..y.Length];
        var i = 0;
        for (; i + Vector512<T>.Count <= y.Length; i += Vector512<T>.Count)
        {
            var sum = (Load(x0, i) * f0) + (Load(x1, i) * f1) + (Load(x2, i) * f2) + (Load(x3, i) * f3) + (Load(x4, i) * f4);
            sum.StoreUnsafe(ref MemoryMarshal.GetReference(y), (nuint)i);
        }

        for (; i < y.Length; i++)
        {
            y[i] = (x0[i] * f0) + (x1[i] * f1) + (x2[i] * f2) + (x3[i] * f3) + (x4[i] * f4);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Load<T>(ReadOnlySpan<T> x, int i) => Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(x), (nuint)i);
}
