using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>What the kernels of the estimator need of vectors of float or double; the branches on the type fold away.</summary>
internal static class LaneMath
{
    /// <summary>a b + c, rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> MultiplyAdd<T>(Vector512<T> a, Vector512<T> b, Vector512<T> c) => typeof(T) == typeof(float)
        ? Vector512.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
        : Vector512.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();

    /// <summary>2^x for x up to the type's range; below its normal range, 0 or the smallest normal number. Relative error 2e-7 or 3e-16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Exp2<T>(Vector512<T> x) =>
        typeof(T) == typeof(float) ? Rows.Exp2(x.AsSingle()).As<float, T>() : Exp2(x.AsDouble()).As<double, T>();

    /// <summary>The largest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Largest<T>(Vector512<T> x)
        where T : unmanaged, INumber<T>
    {
        if (typeof(T) == typeof(float))
        {
            return T.CreateTruncating(Rows.Largest(x.AsSingle()));
        }

        var half = Vector256.MaxNative(x.GetLower(), x.GetUpper());
        var quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        return T.MaxNumber(quarter[0], quarter[1]);
    }

    // Adding 1.5 * 2^52 rounds to an integer that then stands in the low bits of the significand. The rest is the series of 2^f for |f| <= 1/2.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Exp2(Vector512<double> x)
    {
        x = Vector512.MaxNative(x, Vector512.Create(-1022.0));
        var magic = Vector512.Create(6755399441055744.0);
        var shifted = x + magic;
        var f = (x - (shifted - magic)) * 0.69314718055994530942;
        var p = Vector512.Create(1.6059043836821614599e-10);
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(2.0876756987868098979e-9));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(2.5052108385441718775e-8));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(2.7557319223985890653e-7));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(2.7557319223985890653e-6));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(2.4801587301587301587e-5));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1.9841269841269841270e-4));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1.3888888888888888889e-3));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(8.3333333333333333333e-3));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(4.1666666666666666667e-2));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1.6666666666666666667e-1));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(0.5));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512<double>.One);
        p = Vector512.FusedMultiplyAdd(p, f, Vector512<double>.One);
        return (Vector512.ShiftLeft(shifted.AsInt64(), 52) + p.AsInt64()).AsDouble();
    }
}
