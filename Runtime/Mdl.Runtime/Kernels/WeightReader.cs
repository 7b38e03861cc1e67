using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Kernels;

/// <summary>Numbers of weights in single precision.</summary>
internal static unsafe class WeightReader
{
    /// <summary>Writes <paramref name="count"/> numbers that follow one another.</summary>
    public static void Read(Weight source, int count, float* target)
    {
        switch (source.Format)
        {
            case ElementFormat.Single:
                new ReadOnlySpan<float>(source.Address, count).CopyTo(new Span<float>(target, count));
                break;
            case ElementFormat.BFloat16:
                BFloat16.Widen((ushort*)source.Address, target, count);
                break;
            case ElementFormat.Int8Blocks:
                Blocks<Int8Format>(source, count, target);
                break;
            case ElementFormat.Int4Blocks:
                Blocks<Int4Format>(source, count, target);
                break;
            case ElementFormat.Float8Blocks:
                Blocks<Float8Format>(source, count, target);
                break;
            default:
                throw new ArgumentException($"Weights are not held as {source.Format}.", nameof(source));
        }
    }

    /// <summary>One number.</summary>
    public static float Read(Weight source) => source.Format switch
    {
        ElementFormat.Single => *(float*)source.Address,
        ElementFormat.BFloat16 => BFloat16.Widen(*(ushort*)source.Address),
        ElementFormat.Int8Blocks => One<Int8Format>(source, 0),
        ElementFormat.Int4Blocks => One<Int4Format>(source, 0),
        ElementFormat.Float8Blocks => One<Float8Format>(source, 0),
        _ => throw new ArgumentException($"Weights are not held as {source.Format}.", nameof(source)),
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Blocks<TFormat>(Weight source, int count, float* target)
        where TFormat : struct, IBlockFormat
    {
        var data = source.Data;
        var element = source.Element;
        var i = 0;
        for (; i < count && (element + i) % 16 != 0; i++)
        {
            target[i] = One<TFormat>(source, i);
        }

        for (; i + 16 <= count; i += 16)
        {
            var scale = TFormat.Scale(source.Scales, (element + i) >>> TFormat.BlockShift);
            (TFormat.Sixteen(data, (element + i) / 16) * scale).Store(target + i);
        }

        for (; i < count; i++)
        {
            target[i] = One<TFormat>(source, i);
        }
    }

    private static float One<TFormat>(Weight source, long i)
        where TFormat : struct, IBlockFormat =>
        TFormat.One(source.Data, source.Element + i) * TFormat.Scale(source.Scales, (source.Element + i) >>> TFormat.BlockShift);
}
