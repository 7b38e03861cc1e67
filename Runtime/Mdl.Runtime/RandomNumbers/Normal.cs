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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(Philox philox, ulong first, float scale, Span<float> destination)
    {
        if (first % BlockSize != 0)
        {
            throw new ArgumentException("The first index must be a multiple of 4.", nameof(first));
        }

        Span<float> radiusUniform = stackalloc float[2 * BlocksAtOnce];
        Span<int> turns = stackalloc int[2 * BlocksAtOnce];
        Span<float> cosines = stackalloc float[2 * BlocksAtOnce];
        Span<float> sines = stackalloc float[2 * BlocksAtOnce];
        var block = first / BlockSize;
        while (destination.Length > 0)
        {
            for (var i = 0; i < BlocksAtOnce; i++)
            {
                var (x, y, z, w) = philox.Block(block + (ulong)i);
                radiusUniform[2 * i] = OpenUnit(x);
                turns[2 * i] = (int)(y >> 8);
                radiusUniform[(2 * i) + 1] = OpenUnit(z);
                turns[(2 * i) + 1] = (int)(w >> 8);
            }

            for (var i = 0; i < 2 * BlocksAtOnce; i += Vector256<float>.Count)
            {
                var radius = Vector256.Sqrt(Log(Vector256.Create<float>(radiusUniform[i..])) * -2f) * scale;
                var (sine, cosine) = SinCos(Vector256.Create<int>(turns[i..]));
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

    // The library's functions are called, not inlined, and run unoptimised in the first tenths of a second, which is when weights are drawn. These
    // are Cephes' approximations (Moshier, logf.c and sinf.c), good to 1e-7 relative.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Log(Vector256<float> x)
    {
        // x = 2^exponent (1 + f) with 1 + f between sqrt(1/2) and sqrt(2).
        const int RootHalf = 0x3F3504F3;
        var bits = x.AsInt32() - Vector256.Create(RootHalf);
        var exponent = Vector256.ConvertToSingle(Vector256.ShiftRightArithmetic(bits, 23));
        var f = ((bits & Vector256.Create(0x7FFFFF)) + Vector256.Create(RootHalf)).AsSingle() - Vector256<float>.One;
        var p = Vector256.Create(7.0376836292e-2f);
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(-1.1514610310e-1f));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(1.1676998740e-1f));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(-1.2420140846e-1f));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(1.4249322787e-1f));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(-1.6668057665e-1f));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(2.0000714765e-1f));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(-2.4999993993e-1f));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(3.3333331174e-1f));
        var square = f * f;
        var log = Vector256.FusedMultiplyAdd(p * square, f, Vector256.FusedMultiplyAdd(square, Vector256.Create(-0.5f), f));
        return Vector256.FusedMultiplyAdd(exponent, Vector256.Create(0.69314718056f), log);
    }

    // Of angles in 2^-24 turns.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> Sine, Vector256<float> Cosine) SinCos(Vector256<int> turns)
    {
        // The nearest quarter turn, and what is left: at most an eighth either way, exactly.
        const int QuarterBits = 22;
        var quarter = Vector256.ShiftRightArithmetic(turns + Vector256.Create(1 << (QuarterBits - 1)), QuarterBits);
        var x = Vector256.ConvertToSingle(turns - Vector256.ShiftLeft(quarter, QuarterBits)) * (MathF.Tau / (1 << 24));
        var square = x * x;
        var s = Vector256.Create(-1.9515295891e-4f);
        s = Vector256.FusedMultiplyAdd(s, square, Vector256.Create(8.3321608736e-3f));
        s = Vector256.FusedMultiplyAdd(s, square, Vector256.Create(-1.6666654611e-1f));
        s = Vector256.FusedMultiplyAdd(s * square, x, x);
        var c = Vector256.Create(2.443315711809948e-5f);
        c = Vector256.FusedMultiplyAdd(c, square, Vector256.Create(-1.388731625493765e-3f));
        c = Vector256.FusedMultiplyAdd(c, square, Vector256.Create(4.166664568298827e-2f));
        c = Vector256.FusedMultiplyAdd(c * square, square, Vector256.FusedMultiplyAdd(square, Vector256.Create(-0.5f), Vector256<float>.One));

        // Odd quarters exchange sine and cosine; the signs follow the quarter's second bit.
        var odd = Vector256.Equals(quarter & Vector256<int>.One, Vector256<int>.One).AsSingle();
        var sineSign = Vector256.ShiftLeft(quarter & Vector256.Create(2), 30).AsSingle();
        var cosineSign = Vector256.ShiftLeft((quarter + Vector256<int>.One) & Vector256.Create(2), 30).AsSingle();
        return (Vector256.ConditionalSelect(odd, c, s) ^ sineSign, Vector256.ConditionalSelect(odd, s, c) ^ cosineSign);
    }
}
