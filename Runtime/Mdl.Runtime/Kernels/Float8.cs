namespace Mdl.Runtime.Kernels;

/// <summary>
/// The 8-bit format E4M3: 1 sign, 4 bits of exponent with bias 7, 3 of fraction; no infinities, and no number where all other bits are ones.
/// </summary>
internal static class Float8
{
    /// <summary>The largest number.</summary>
    public const float Largest = 448;

    private static readonly float[] Values = [.. Enumerable.Range(0, 256).Select(b => Decode((byte)b))];

    /// <summary>The number, exactly.</summary>
    public static float Widen(byte bits) => Values[bits];

    /// <summary>The nearest number, ties to even; what is larger than all becomes the largest.</summary>
    public static byte Round(float value)
    {
        var sign = value < 0 ? 0x80u : 0;
        var magnitude = MathF.Min(MathF.Abs(value), Largest);

        // Below the least normal number, 2^-6, steps are 2^-9.
        if (magnitude < 1f / 64)
        {
            return (byte)(sign | (uint)MathF.Round(magnitude * 512, MidpointRounding.ToEven));
        }

        var bits = BitConverter.SingleToUInt32Bits(magnitude);
        bits += 0x7FFFF + ((bits >> 20) & 1);
        return (byte)(sign | ((bits >> 20) - (120u << 3)));
    }

    private static float Decode(byte bits)
    {
        var (exponent, fraction) = ((bits >> 3) & 15, bits & 7);
        var magnitude = (exponent, fraction) switch
        {
            (15, 7) => float.NaN,
            (0, _) => MathF.ScaleB(fraction, -9),
            _ => MathF.ScaleB(8 + fraction, exponent - 10),
        };
        return bits < 128 ? magnitude : -magnitude;
    }
}
