using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// The elementwise functions of generated kernels, once for 16 floats and once for one, with the same formulas: generated code says the same for
/// the vectorised loop and for what is left over. Errors are bounded in units in the last place (ulp) as stated.
/// </summary>
public static unsafe class Simd
{
    private const float Log2E = 1.44269504f;
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>Sixteen numbers of a weight that follow one another.</summary>
    public static Vector512<float> Load(Weight weight)
    {
        var numbers = stackalloc float[16];
        WeightReader.Read(weight, 16, numbers);
        return Vector512.Load(numbers);
    }

    /// <summary>Sixteen numbers of a weight, some elements apart.</summary>
    public static Vector512<float> LoadStrided(Weight weight, long stride)
    {
        var numbers = stackalloc float[16];
        for (var i = 0; i < 16; i++)
        {
            numbers[i] = WeightReader.Read(weight + (i * stride));
        }

        return Vector512.Load(numbers);
    }

    /// <summary>A number of a weight.</summary>
    public static float Read(Weight weight) => WeightReader.Read(weight);

    /// <summary>e^x; 2 ulp; 0 below -87.3, +infinity above 88.7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        // x = n ln 2 + r with |r| <= ln 2 / 2; e^r by a polynomial (Cephes expf), then n goes into the exponent in two steps, so that the ends of
        // the range do not overflow early.
        var n = Vector512.Round(x * Log2E);
        if (!Avx512F.IsSupported)
        {
            n = Vector512.Min(Vector512.Max(n, Vector512.Create(-200f)), Vector512.Create(200f));
        }

        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2High), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2Low), r);
        var p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One);
        var result = Scale(p, n);
        result = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(-103.98f)), Vector512<float>.Zero, result);
        result = Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512.Create(88.73f)), Vector512.Create(float.PositiveInfinity), result);
        return Avx512F.IsSupported ? result : Vector512.ConditionalSelect(Vector512.Equals(x, x), result, x);
    }

    /// <summary>p times 2^n, of which one processor instruction rounds as the two steps do; it also hands on what is no number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Scale(Vector512<float> p, Vector512<float> n)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.Scale(p, n);
        }

        var whole = Vector512.ConvertToInt32Native(n);
        var half = whole >> 1;
        return p * PowerOfTwo(half) * PowerOfTwo(whole - half);
    }

    /// <inheritdoc cref="Exp(Vector512{float})"/>
    public static float Exp(float x) => MathF.Exp(x);

    /// <summary>Natural logarithm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Log(Vector512<float> x) => Vector512.Log(x);

    /// <summary>Natural logarithm.</summary>
    public static float Log(float x) => MathF.Log(x);

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sigmoid(Vector512<float> x) => Vector512<float>.One / (Vector512<float>.One + Exp(-x));

    /// <summary>1 / (1 + e^-x).</summary>
    public static float Sigmoid(float x) => 1f / (1f + MathF.Exp(-x));

    /// <summary>Hyperbolic tangent; by a polynomial near 0, where 1 - 2 / (e^2x + 1) would cancel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Tanh(Vector512<float> x)
    {
        var magnitude = Vector512.Abs(x);
        var large = Vector512<float>.One - (Vector512.Create(2f) / (Exp(magnitude + magnitude) + Vector512<float>.One));
        var z = x * x;
        var p = Vector512.Create(-5.70498872745e-3f);
        p = Vector512.FusedMultiplyAdd(p, z, Vector512.Create(2.06390887954e-2f));
        p = Vector512.FusedMultiplyAdd(p, z, Vector512.Create(-5.37397155531e-2f));
        p = Vector512.FusedMultiplyAdd(p, z, Vector512.Create(1.33314422036e-1f));
        p = Vector512.FusedMultiplyAdd(p, z, Vector512.Create(-3.33332819422e-1f));
        var small = Vector512.FusedMultiplyAdd(p * z, x, x);
        return Vector512.ConditionalSelect(Vector512.LessThan(magnitude, Vector512.Create(0.625f)), small, Vector512.CopySign(large, x));
    }

    /// <summary>Hyperbolic tangent.</summary>
    public static float Tanh(float x) => MathF.Tanh(x);

    /// <summary>The error function, absolute error below 5e-7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Erf(Vector512<float> x)
    {
        // Near 0 the Taylor series; elsewhere Abramowitz and Stegun 7.1.26 is too coarse for f32, so 7.1.28 with one more squaring is used.
        var a = Vector512.Abs(x);
        var p = Vector512.Create(0.0000430638f);
        p = Vector512.FusedMultiplyAdd(p, a, Vector512.Create(0.0002765672f));
        p = Vector512.FusedMultiplyAdd(p, a, Vector512.Create(0.0001520143f));
        p = Vector512.FusedMultiplyAdd(p, a, Vector512.Create(0.0092705272f));
        p = Vector512.FusedMultiplyAdd(p, a, Vector512.Create(0.0422820123f));
        p = Vector512.FusedMultiplyAdd(p, a, Vector512.Create(0.0705230784f));
        p = Vector512.FusedMultiplyAdd(p, a, Vector512<float>.One);
        var q = p * p;
        q *= q;
        q *= q;
        q *= q;
        var large = Vector512<float>.One - (Vector512<float>.One / q);
        var z = x * x;
        var s = Vector512.Create(-1f / 1320f);
        s = Vector512.FusedMultiplyAdd(s, z, Vector512.Create(1f / 216f));
        s = Vector512.FusedMultiplyAdd(s, z, Vector512.Create(-1f / 42f));
        s = Vector512.FusedMultiplyAdd(s, z, Vector512.Create(0.1f));
        s = Vector512.FusedMultiplyAdd(s, z, Vector512.Create(-1f / 3f));
        var small = Vector512.Create(1.12837917f) * Vector512.FusedMultiplyAdd(s * z, x, x);
        return Vector512.ConditionalSelect(Vector512.LessThan(a, Vector512.Create(0.45f)), small, Vector512.CopySign(large, x));
    }

    /// <summary>The error function, absolute error below 5e-7.</summary>
    public static float Erf(float x) => Erf(Vector512.CreateScalar(x)).ToScalar();

    /// <summary>Sine, argument in radians.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sin(Vector512<float> x) => Vector512.Sin(x);

    /// <summary>Sine, argument in radians.</summary>
    public static float Sin(float x) => MathF.Sin(x);

    /// <summary>Cosine, argument in radians.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Cos(Vector512<float> x) => Vector512.Cos(x);

    /// <summary>Cosine, argument in radians.</summary>
    public static float Cos(float x) => MathF.Cos(x);

    /// <summary>x^y, by <see cref="MathF.Pow"/> for each element: powers with a constant exponent of 2, 0.5, -0.5 or -1 are other functions.</summary>
    public static Vector512<float> Power(Vector512<float> x, Vector512<float> y)
    {
        var result = Vector512<float>.Zero;
        for (var i = 0; i < Vector512<float>.Count; i++)
        {
            result = result.WithElement(i, MathF.Pow(x.GetElement(i), y.GetElement(i)));
        }

        return result;
    }

    /// <summary>x^y.</summary>
    public static float Power(float x, float y) => MathF.Pow(x, y);

    /// <summary>Square root.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sqrt(Vector512<float> x) => Vector512.Sqrt(x);

    /// <summary>Square root.</summary>
    public static float Sqrt(float x) => MathF.Sqrt(x);

    /// <summary>1 / sqrt(x), exactly rounded steps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Rsqrt(Vector512<float> x) => Vector512<float>.One / Vector512.Sqrt(x);

    /// <summary>1 / sqrt(x).</summary>
    public static float Rsqrt(float x) => 1f / MathF.Sqrt(x);

    /// <summary>1 / x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Reciprocal(Vector512<float> x) => Vector512<float>.One / x;

    /// <summary>1 / x.</summary>
    public static float Reciprocal(float x) => 1f / x;

    /// <summary>Absolute value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Abs(Vector512<float> x) => Vector512.Abs(x);

    /// <summary>Absolute value.</summary>
    public static float Abs(float x) => MathF.Abs(x);

    /// <summary>-1, 0 or 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sign(Vector512<float> x) => Step(x) - Step(-x);

    /// <summary>-1, 0 or 1.</summary>
    public static float Sign(float x) => Step(x) - Step(-x);

    /// <summary>max(x, 0).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Relu(Vector512<float> x) => Vector512.Max(x, Vector512<float>.Zero);

    /// <summary>max(x, 0).</summary>
    public static float Relu(float x) => MathF.Max(x, 0f);

    /// <summary>The largest whole number not above x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Floor(Vector512<float> x) => Vector512.Floor(x);

    /// <summary>The largest whole number not above x.</summary>
    public static float Floor(float x) => MathF.Floor(x);

    /// <summary>1 where x is above 0, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Step(Vector512<float> x) => Vector512.GreaterThan(x, Vector512<float>.Zero) & Vector512<float>.One;

    /// <summary>1 where x is above 0, else 0.</summary>
    public static float Step(float x) => x > 0f ? 1f : 0f;

    /// <summary>The larger one; NaN if either is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Maximum(Vector512<float> x, Vector512<float> y) => Vector512.Max(x, y);

    /// <summary>The larger one; NaN if either is NaN.</summary>
    public static float Maximum(float x, float y) => MathF.Max(x, y);

    /// <summary>The smaller one; NaN if either is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Minimum(Vector512<float> x, Vector512<float> y) => Vector512.Min(x, y);

    /// <summary>The smaller one; NaN if either is NaN.</summary>
    public static float Minimum(float x, float y) => MathF.Min(x, y);

    /// <summary>1 where x is below y, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Less(Vector512<float> x, Vector512<float> y) => Vector512.LessThan(x, y) & Vector512<float>.One;

    /// <summary>1 where x is below y, else 0.</summary>
    public static float Less(float x, float y) => x < y ? 1f : 0f;

    /// <summary>1 where x is below y, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Less(Vector512<int> x, Vector512<int> y) => Vector512.LessThan(x, y).AsSingle() & Vector512<float>.One;

    /// <summary>1 where x is below y, else 0.</summary>
    public static float Less(int x, int y) => x < y ? 1f : 0f;

    /// <summary>1 where x equals y, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Equal(Vector512<float> x, Vector512<float> y) => Vector512.Equals(x, y) & Vector512<float>.One;

    /// <summary>1 where x equals y, else 0.</summary>
    public static float Equal(float x, float y) => x == y ? 1f : 0f;

    /// <summary>1 where x equals y, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Equal(Vector512<int> x, Vector512<int> y) => Vector512.Equals(x, y).AsSingle() & Vector512<float>.One;

    /// <summary>1 where x equals y, else 0.</summary>
    public static float Equal(int x, int y) => x == y ? 1f : 0f;

    /// <summary>x where the condition is not 0, else y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Select(Vector512<float> condition, Vector512<float> x, Vector512<float> y) =>
        Vector512.ConditionalSelect(Vector512.Equals(condition, Vector512<float>.Zero), y, x);

    /// <summary>x where the condition is not 0, else y.</summary>
    public static float Select(float condition, float x, float y) => condition != 0f ? x : y;

    /// <summary>x where the condition is not 0, else y.</summary>
    public static int Select(float condition, int x, int y) => condition != 0f ? x : y;

    /// <summary>The largest of 16 numbers.</summary>
    public static float Highest(Vector512<float> x)
    {
        var highest = x.GetElement(0);
        for (var i = 1; i < Vector512<float>.Count; i++)
        {
            highest = MathF.Max(highest, x.GetElement(i));
        }

        return highest;
    }

    /// <summary>start, start + 1, ..., start + 15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> CountFrom(float start) => Vector512.Create(start) + Vector512.CreateSequence(0f, 1f);

    /// <summary>start, start + 1, ..., start + 15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> CountFrom(int start) => Vector512.Create(start) + Vector512.CreateSequence(0, 1);

    /// <summary>16 floats that lie a stride apart.</summary>
    public static Vector512<float> LoadStrided(float* source, long stride)
    {
        var values = stackalloc float[16];
        for (var i = 0; i < 16; i++)
        {
            values[i] = source[i * stride];
        }

        return Vector512.Load(values);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> PowerOfTwo(Vector512<int> n) => ((n + Vector512.Create(127)) << 23).AsSingle();
}
