using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Evaluation;

internal static partial class Meaning
{
    private static NDArray Broadcast(NDArray x, EquatableArray<int> shape)
    {
        var missing = shape.Count - x.Rank;
        var own = x.Strides();
        var strides = shape.Select((_, i) => i < missing || x.Shape[i - missing] == 1 ? 0 : own[i - missing]).ToArray();
        return NDArray.Build(shape, at => x.Data[Offset(at, strides)]);
    }

    private static NDArray Transpose(Transpose o, NDArray x)
    {
        var own = x.Strides();
        var strides = o.Permutation.Select(p => own[p]).ToArray();
        return NDArray.Build(o.Permutation.Select(p => x.Shape[p]).ToEquatableArray(), at => x.Data[Offset(at, strides)]);
    }

    private static NDArray Slice(NDArray x, int axis, int start, int length)
    {
        var strides = x.Strides();
        return NDArray.Build(x.Shape.SetItem(axis, length), at => x.Data[Offset(at, strides) + start * strides[axis]]);
    }

    private static NDArray Concat(Concat o, NDArray[] parts)
    {
        var total = parts.Sum(p => p.Shape[o.Axis]);
        var result = new NDArray(parts[0].Shape.SetItem(o.Axis, total));
        var outer = parts[0].Shape.Take(o.Axis).Aggregate(1, (a, b) => a * b);
        var inner = parts[0].Shape.Skip(o.Axis + 1).Aggregate(1, (a, b) => a * b);
        var start = 0;
        foreach (var part in parts)
        {
            var run = part.Shape[o.Axis] * inner;
            for (var i = 0; i < outer; i++)
            {
                Array.Copy(part.Data, i * run, result.Data, i * total * inner + start, run);
            }

            start += run;
        }

        return result;
    }

    private static NDArray Pad(NDArray x, int axis, int before, int after)
    {
        var (length, strides) = (x.Shape[axis], x.Strides());
        return NDArray.Build(x.Shape.SetItem(axis, before + length + after), at =>
            at[axis] < before || at[axis] >= before + length ? 0 : x.Data[Offset(at, strides) - before * strides[axis]]);
    }
}
