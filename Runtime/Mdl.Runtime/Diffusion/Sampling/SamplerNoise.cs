using System.Numerics;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>What noise within a step is for.</summary>
internal enum NoisePurpose
{
    Start,
    Step,
    Middle,
    Churn,
    Corrector,
}

/// <summary>
/// Standard normal noise that depends on the seed, the number of the sample and the interval of sigma, and on nothing else: not on the size of the batch,
/// the number of threads or of steps.
/// </summary>
internal static class SamplerNoise
{
    private const int Portion = 32;

    /// <summary>Fills [N, d].</summary>
    public static void Fill<T>(Span<T> noise, int dimensions, ulong seed, long firstSample, double from, double to, NoisePurpose purpose, int part = 0)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var key = Mix(Mix(Mix(Mix(seed) ^ BitConverter.DoubleToUInt64Bits(from)) ^ BitConverter.DoubleToUInt64Bits(to)) ^ ((ulong)purpose << 32) ^ (ulong)part);
        Span<float> numbers = stackalloc float[Portion];
        for (var sample = 0; sample * dimensions < noise.Length; sample++)
        {
            var philox = new Philox(key, (ulong)(firstSample + sample));
            var row = noise.Slice(sample * dimensions, dimensions);
            for (var j = 0; j < row.Length; j += Portion)
            {
                var count = Math.Min(Portion, row.Length - j);
                Normal.Fill(philox, (ulong)j, 1, numbers[..count]);
                for (var k = 0; k < count; k++)
                {
                    row[j + k] = T.CreateTruncating(numbers[k]);
                }
            }
        }
    }

    // The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
