namespace Mdl.Runtime.Checkpoints;

/// <summary>The 8-bit format E4M3: 1 sign, 4 exponent bits with bias 7, 3 fraction bits; no infinities, and NaN where all other bits are ones.</summary>
internal static class Float8
{
    private static readonly float[] Values = [.. Enumerable.Range(0, 256).Select(b => Decode((byte)b))];

    public static float ToSingle(byte bits) => Values[bits];

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
