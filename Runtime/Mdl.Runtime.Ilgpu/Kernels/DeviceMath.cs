using System.Diagnostics.CodeAnalysis;
using ILGPU;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>
/// The elementwise functions of generated kernels. Those that a device would approximate (or, for tanh on old targets, get wrong) are computed from
/// additions and multiplications here, by the same polynomials as on the host (Cephes), so that all devices agree to a few units in the last place (ulp).
/// </summary>
public static class DeviceMath
{
    private const float Log2E = 1.44269504f;
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;
    private const uint Magnitude = 0x7FFFFFFF;
    private const uint InfinityBits = 0x7F800000;

    /// <summary>The nearest bfloat16, ties to even; what is no number stays none.</summary>
    public static float ToBFloat16(float x)
    {
        var bits = Interop.FloatAsInt(x);
        var rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000;
        return IsNaN(x) ? x : Interop.IntAsFloat(rounded);
    }

    /// <summary>Whether x is not a number; by its bits, as compilers may take x == x for granted.</summary>
    public static bool IsNaN(float x) => (Interop.FloatAsInt(x) & Magnitude) > InfinityBits;

    /// <summary>e^x; 2 ulp; 0 below -103.9, +infinity above 88.7.</summary>
    public static float Exp(float x)
    {
        var n = MathF.Floor((MathF.Min(MathF.Max(x, -140f), 140f) * Log2E) + 0.5f);
        var r = x - (n * Ln2High) - (n * Ln2Low);
        var p = 1.9875691500e-4f;
        p = (p * r) + 1.3981999507e-3f;
        p = (p * r) + 8.3334519073e-3f;
        p = (p * r) + 4.1665795894e-2f;
        p = (p * r) + 1.6666665459e-1f;
        p = (p * r) + 5.0000001201e-1f;
        p = (p * (r * r)) + (r + 1f);
        // In two steps, so that the ends of the range do not overflow early.
        var whole = (int)n;
        var half = whole >> 1;
        var result = p * PowerOfTwo(half) * PowerOfTwo(whole - half);
        result = x < -103.98f ? 0f : result;
        result = x > 88.73f ? float.PositiveInfinity : result;
        return IsNaN(x) ? x : result;
    }

    /// <summary>Natural logarithm; 1 ulp.</summary>
    public static float Log(float x)
    {
        var isSmall = x < 1.17549435e-38f;
        var bits = Interop.FloatAsInt(isSmall ? x * 8388608f : x);
        var e = (int)((bits >> 23) & 0xFF) - 126 - (isSmall ? 23 : 0);
        var m = Interop.IntAsFloat((bits & 0x007FFFFF) | 0x3F000000);
        var isLow = m < 0.707106781f;
        var exponent = (float)(isLow ? e - 1 : e);
        m = isLow ? m + m - 1f : m - 1f;
        var z = m * m;
        var y = 7.0376836292e-2f;
        y = (y * m) - 1.1514610310e-1f;
        y = (y * m) + 1.1676998740e-1f;
        y = (y * m) - 1.2420140846e-1f;
        y = (y * m) + 1.4249322787e-1f;
        y = (y * m) - 1.6668057665e-1f;
        y = (y * m) + 2.0000714765e-1f;
        y = (y * m) - 2.4999993993e-1f;
        y = (y * m) + 3.3333331174e-1f;
        y = y * m * z;
        y += exponent * Ln2Low;
        y -= 0.5f * z;
        var result = m + y + (exponent * Ln2High);
        result = x > 3.4028234e38f ? x : result;
        result = x < 0f ? float.NaN : result;
        result = x == 0f ? float.NegativeInfinity : result;
        return IsNaN(x) ? x : result;
    }

    /// <summary>1 / (1 + e^-x).</summary>
    public static float Sigmoid(float x) => 1f / (1f + Exp(-x));

    /// <summary>Hyperbolic tangent; by a polynomial near 0, where 1 - 2 / (e^2x + 1) would cancel.</summary>
    public static float Tanh(float x)
    {
        var magnitude = MathF.Abs(x);
        var large = 1f - (2f / (Exp(magnitude + magnitude) + 1f));
        var z = x * x;
        var p = -5.70498872745e-3f;
        p = (p * z) + 2.06390887954e-2f;
        p = (p * z) - 5.37397155531e-2f;
        p = (p * z) + 1.33314442036e-1f;
        p = (p * z) - 3.33332819422e-1f;
        return magnitude < 0.625f ? (p * z * x) + x : x < 0f ? -large : large;
    }

    /// <summary>The error function, absolute error below 5e-7, by the host's formulas.</summary>
    public static float Erf(float x)
    {
        var a = MathF.Abs(x);
        var p = 0.0000430638f;
        p = (p * a) + 0.0002765672f;
        p = (p * a) + 0.0001520143f;
        p = (p * a) + 0.0092705272f;
        p = (p * a) + 0.0422820123f;
        p = (p * a) + 0.0705230784f;
        p = (p * a) + 1f;
        var q = p * p;
        q *= q;
        q *= q;
        q *= q;
        var large = 1f - (1f / q);
        var z = x * x;
        var s = -1f / 1320f;
        s = (s * z) + (1f / 216f);
        s = (s * z) - (1f / 42f);
        s = (s * z) + 0.1f;
        s = (s * z) - (1f / 3f);
        return a < 0.45f ? 1.12837917f * ((s * z * x) + x) : x < 0f ? -large : large;
    }

    /// <summary>Sine, argument in radians; 2e-7 absolute up to 50 000.</summary>
    public static float Sin(float x) => Wave(MathF.Abs(x), 0, x < 0f ? -1f : 1f);

    /// <summary>Cosine, argument in radians; 2e-7 absolute up to 50 000.</summary>
    public static float Cos(float x) => Wave(MathF.Abs(x), 2, 1f);

    /// <summary>x^y as e^(y ln x): 1e-7 relative times 1 + |y ln x|.</summary>
    public static float Power(float x, float y)
    {
        var whole = MathF.Floor(y);
        var isWhole = whole == y;
        var isOdd = isWhole && whole - (2f * MathF.Floor(whole * 0.5f)) == 1f;
        var magnitude = Exp(y * Log(MathF.Abs(x)));
        var result = x < 0f ? (isWhole ? (isOdd ? -magnitude : magnitude) : float.NaN) : magnitude;
        return y == 0f ? 1f : result;
    }

    /// <summary>Square root.</summary>
    public static float Sqrt(float x) => MathF.Sqrt(x);

    /// <summary>1 / sqrt(x).</summary>
    public static float Rsqrt(float x) => 1f / MathF.Sqrt(x);

    /// <summary>1 / x.</summary>
    public static float Reciprocal(float x) => 1f / x;

    /// <summary>Absolute value.</summary>
    public static float Abs(float x) => MathF.Abs(x);

    /// <summary>-1, 0 or 1.</summary>
    public static float Sign(float x) => Step(x) - Step(-x);

    /// <summary>max(x, 0).</summary>
    public static float Relu(float x) => x < 0f ? 0f : x;

    /// <summary>The largest whole number not above x.</summary>
    public static float Floor(float x) => MathF.Floor(x);

    /// <summary>1 where x is above 0, else 0.</summary>
    public static float Step(float x) => x > 0f ? 1f : 0f;

    /// <summary>The larger one; NaN if either is NaN.</summary>
    public static float Maximum(float x, float y) => IsNaN(x) ? x : IsNaN(y) ? y : x > y ? x : y;

    /// <summary>The smaller one; NaN if either is NaN.</summary>
    public static float Minimum(float x, float y) => IsNaN(x) ? x : IsNaN(y) ? y : x < y ? x : y;

    /// <summary>1 where x is below y, else 0.</summary>
    public static float Less(float x, float y) => x < y ? 1f : 0f;

    /// <summary>1 where x is below y, else 0.</summary>
    public static float Less(int x, int y) => x < y ? 1f : 0f;

    /// <summary>1 where x equals y, else 0.</summary>
    public static float Equal(float x, float y) => x == y ? 1f : 0f;

    /// <summary>1 where x equals y, else 0.</summary>
    public static float Equal(int x, int y) => x == y ? 1f : 0f;

    /// <summary>x where the condition is not 0, else y.</summary>
    public static float Select(float condition, float x, float y) => condition != 0f ? x : y;

    /// <summary>x where the condition is not 0, else y.</summary>
    public static int Select(float condition, int x, int y) => condition != 0f ? x : y;

    /// <summary>Sine (shift 0) or cosine (shift 2) of x at least 0: x = octant * pi / 4 + r, taken off in three exact steps.</summary>
    [SuppressMessage("Design", "CA1508", Justification = "Octants are data.")]
    private static float Wave(float x, int shift, float sign)
    {
        var octant = (int)(x * 1.27323954f);
        octant += octant & 1;
        var y = (float)octant;
        var r = x - (y * 0.78515625f) - (y * 2.4187564849853515625e-4f) - (y * 3.77489497744594108e-8f);
        octant += shift;
        var z = r * r;
        var sine = ((((((-1.9515295891e-4f * z) + 8.3321608736e-3f) * z) - 1.6666654611e-1f) * z) * r) + r;
        var cosine = (((((((2.443315711809948e-5f * z) - 1.388731625493765e-3f) * z) + 4.166664568298827e-2f) * z) - 0.5f) * z) + 1f;
        var value = (octant & 2) == 0 ? sine : cosine;
        return (octant & 4) == 0 ? sign * value : -sign * value;
    }

    private static float PowerOfTwo(int n) => Interop.IntAsFloat((uint)((n + 127) << 23));
}
