using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Kernels;

/// <summary>Brings single precision into the formats of weights.</summary>
internal static unsafe class BlockQuantizer
{
    /// <summary>Writes numbers that begin and end with whole blocks.</summary>
    /// <param name="source">The numbers.</param>
    /// <param name="target">Where they go.</param>
    /// <param name="count">How many; a multiple of the format's block.</param>
    public static void Write(float* source, Weight target, long count)
    {
        switch (target.Format)
        {
            case ElementFormat.Single:
                Buffer.MemoryCopy(source, target.Address, count * sizeof(float), count * sizeof(float));
                break;
            case ElementFormat.BFloat16:
                BFloat16.Round(source, (ushort*)target.Address, count);
                break;
            case ElementFormat.Int8Blocks:
                for (var i = 0L; i < count; i += 32)
                {
                    ToInt8(source + i, (sbyte*)(target + i).Address, (ushort*)target.Scales + ((target.Element + i) / 32));
                }

                break;
            case ElementFormat.Int4Blocks:
                for (var i = 0L; i < count; i += 32)
                {
                    ToInt4(source + i, (target + i).Address, (ushort*)target.Scales + ((target.Element + i) / 32));
                }

                break;
            case ElementFormat.Float8Blocks:
                for (var i = 0L; i < count; i += 128)
                {
                    ToFloat8(source + i, (target + i).Address, (float*)target.Scales + ((target.Element + i) / 128));
                }

                break;
            default:
                throw new ArgumentException($"Weights are not held as {target.Format}.", nameof(target));
        }
    }

    // The scale is rounded up, so that the largest number of the block stays in range.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ToInt8(float* x, sbyte* y, ushort* scale)
    {
        var largest = Vector512.Max(Vector512.Abs(Vector512.Load(x)), Vector512.Abs(Vector512.Load(x + 16)));
        var step = RoundUp(Largest(largest) / 127);
        *scale = step;
        var inverse = step == 0 ? 0 : 1 / BFloat16.Widen(step);
        for (var i = 0; i < 32; i += 16)
        {
            var q = Vector512.ConvertToInt32(Vector512.Round(Vector512.Load(x + i) * inverse));
            q = Vector512.Min(Vector512.Max(q, Vector512.Create(-127)), Vector512.Create(127));
            var narrow = Vector256.Narrow(q.GetLower(), q.GetUpper());
            Vector128.Narrow(narrow.GetLower(), narrow.GetUpper()).Store(y + i);
        }
    }

    // The element farthest from 0 becomes -8, which has no positive counterpart.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ToInt4(float* x, byte* y, ushort* scale)
    {
        var farthest = 0f;
        for (var i = 0; i < 32; i++)
        {
            farthest = MathF.Abs(x[i]) > MathF.Abs(farthest) ? x[i] : farthest;
        }

        var step = farthest == 0 ? (ushort)0 : BFloat16.Round(farthest / -8);
        *scale = step;
        var inverse = farthest == 0 ? 0 : 1 / BFloat16.Widen(step);
        for (var i = 0; i < 16; i++)
        {
            y[i] = (byte)(Nibble(x[i] * inverse) | (Nibble(x[i + 16] * inverse) << 4));
        }
    }

    private static int Nibble(float q) => Math.Clamp((int)MathF.Round(q, MidpointRounding.ToEven) + 8, 0, 15);

    private static void ToFloat8(float* x, byte* y, float* scale)
    {
        var largest = 0f;
        for (var i = 0; i < 128; i++)
        {
            largest = MathF.Max(largest, MathF.Abs(x[i]));
        }

        *scale = largest / Float8.Largest;
        var inverse = largest == 0 ? 0 : Float8.Largest / largest;
        for (var i = 0; i < 128; i++)
        {
            y[i] = Float8.Round(x[i] * inverse);
        }
    }

    private static float Largest(Vector512<float> x)
    {
        var half = Vector256.Max(x.GetLower(), x.GetUpper());
        var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return MathF.Max(MathF.Max(quarter[0], quarter[1]), MathF.Max(quarter[2], quarter[3]));
    }

    private static ushort RoundUp(float value) => (ushort)((BitConverter.SingleToUInt32Bits(value) + 0xFFFF) >> 16);
}
