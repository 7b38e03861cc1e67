using System.Globalization;
using Mdl.Runtime.Kernels;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>
/// A tensor of a file of held weights: all instances of a parameter, one behind the other, as the model holds them; or the scales of its blocks.
/// </summary>
/// <param name="Name">The path, with the range of its instances: <c>layers[1..19].ffn.experts.up</c>; scales have <c>.scales</c> behind it.</param>
/// <param name="Type">The element type as the format names it. Two numbers of 4 bits are one U8.</param>
/// <param name="Shape">The shape, with the number of instances in front if the parameter is repeated.</param>
/// <param name="Parameter">Index in <see cref="ModelInfo.Parameters"/>.</param>
/// <param name="IsScales">Whether these are the scales.</param>
internal sealed record HeldTensor(string Name, string Type, long[] Shape, int Parameter, bool IsScales)
{
    /// <summary>Bytes of the numbers.</summary>
    public long Bytes { get; } = Shape.Aggregate((long)SafetensorsEntry.BytesOf(Type), (a, b) => a * b);

    /// <summary>All tensors of a model's file.</summary>
    public static IEnumerable<HeldTensor> All(ModelInfo info, WeightFormat format, bool hasMtp)
    {
        for (var i = 0; i < info.Parameters.Count; i++)
        {
            var parameter = info.Parameters[i];
            // Adapters have files of their own.
            if (info.IsAdapter(i) || (parameter.IsMtp && !hasMtp))
            {
                continue;
            }

            var held = WeightStore.FormatOf(parameter, format);
            long[] shape = parameter.Repeats > 0 ? [parameter.Repeats, .. parameter.Shape] : [.. parameter.Shape];
            var name = NameOf(parameter);
            yield return new(name, TypeOf(held), held == ElementFormat.Int4Blocks ? Divided(shape, 2) : shape, i, IsScales: false);
            if (Weight.BlockSize(held) > 1)
            {
                yield return new(name + ".scales", held == ElementFormat.Float8Blocks ? "F32" : "BF16", Divided(shape, Weight.BlockSize(held)), i, IsScales: true);
            }
        }
    }

    private static string NameOf(ParameterInfo parameter)
    {
        var last = parameter.FirstIndex + parameter.Repeats - 1;
        var range = string.Create(CultureInfo.InvariantCulture, $"{parameter.FirstIndex}..{last}");
        return parameter.Path.Replace("{i}", range, StringComparison.Ordinal);
    }

    private static string TypeOf(ElementFormat held) => held switch
    {
        ElementFormat.BFloat16 => "BF16",
        ElementFormat.Int8Blocks => "I8",
        ElementFormat.Int4Blocks => "U8",
        ElementFormat.Float8Blocks => "F8_E4M3",
        _ => "F32",
    };

    private static long[] Divided(long[] shape, int by) => [.. shape[..^1], shape[^1] / by];
}
