using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.RandomNumbers;

/// <summary>
/// Standard normal numbers by the Box-Muller transform. Number i comes from word i mod 4 of block i / 4: the words (X, Y) and (Z, W) of a block
/// give two numbers each. Uniform numbers have 24 bits, so that no number is above 5.77 in magnitude.
/// </summary>
public static class Normal
{
    private const int BlockSize = 4;
    private const int BlocksAtOnce = 8;

    /// <summary>Fills a span with the numbers of indices first .. first + Length - 1, times a scale.</summary>
    /// <param name="philox">Seed and stream.</param>
    /// <param name="first">The first index; a multiple of 4.</param>
    /// <param name="scale">The standard deviation.</param>
    /// <param name="destination">Where they go.</param>
    [SkipLocalsInit]
    public static void Fill(Philox philox, ulong first, float scale, Span<float> destination)
    {
        if (first % BlockSize != 0)
        {
            throw new ArgumentException("The first index must be a multiple of 4.", nameof(first));
        }

        Span<float> radiusUniform = stackalloc float[2 * BlocksAtOnce];
        Span<float> angleUniform = stackalloc float[2 * BlocksAtOnce];
        Span<float> cosines = stackalloc float[2 * BlocksAtOnce];
        Span<float> sines = stackalloc float[2 * BlocksAtOnce];
        var block = first / BlockSize;
        while (destination.Length > 0)
        {
            for (var i = 0; i < BlocksAtOnce; i++)
            {
                var (x, y, z, w) = philox.Block(block + (ulong)i);
                radiusUniform[2 * i] = OpenUnit(x);
                angleUniform[2 * i] = y >> 8;
                radiusUniform[(2 * i) + 1] = OpenUnit(z);
                angleUniform[(2 * i) + 1] = w >> 8;
            }

            for (var i = 0; i < 2 * BlocksAtOnce; i += Vector256<float>.Count)
            {
                var radius = Vector256.Sqrt(Vector256.Log(Vector256.Create<float>(radiusUniform[i..])) * -2f) * scale;
                var (sine, cosine) = Vector256.SinCos(Vector256.Create<float>(angleUniform[i..]) * (MathF.Tau / (1 << 24)));
                (radius * cosine).CopyTo(cosines[i..]);
                (radius * sine).CopyTo(sines[i..]);
            }

            var count = Math.Min(destination.Length, BlockSize * BlocksAtOnce);
            for (var i = 0; i < count; i++)
            {
                destination[i] = (i & 1) == 0 ? cosines[i >> 1] : sines[i >> 1];
            }

            destination = destination[count..];
            block += BlocksAtOnce;
        }
    }

    // In (0, 1]: the logarithm of zero must not occur.
    private static float OpenUnit(uint bits) => ((bits >> 8) + 1) * (1f / (1 << 24));
}
