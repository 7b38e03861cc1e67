using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>A value seen as strided memory of a stored one: views that move no data.</summary>
internal sealed record StridedView(Value Base, EquatableArray<Dim> Shape, EquatableArray<Dim> Strides, Dim Offset)
{
    /// <summary>Follows reshapes, transpositions and slices down to the value that has to be stored.</summary>
    public static StridedView Of(Graph graph, Value value, Func<Value, bool> isStored)
    {
        var node = graph.Nodes[value.Node];
        if (!isStored(value) && node.Operation is Reshape or Transpose or Slice)
        {
            var source = Of(graph, node.Inputs[0], isStored);
            if (source.Through(node.Operation, graph.Type(value).Shape) is { } view)
            {
                return view;
            }
        }

        var shape = graph.Type(value).Shape;
        return new(value, shape, IndexFlow.Strides(shape).ToEquatableArray(), Dim.Zero);
    }

    public bool IsDense => Strides == IndexFlow.Strides(Shape).ToEquatableArray();

    private StridedView? Through(Operation operation, EquatableArray<Dim> result)
    {
        switch (operation)
        {
            case Transpose transpose:
                return new(Base, result, transpose.Permutation.Select(p => Strides[p]).ToEquatableArray(), Offset);
            case Slice slice:
                return new(Base, result, Strides, Offset + (Strides[slice.Axis] * slice.Start));
            default:
                return Reshaped(result) is { } strides ? this with { Shape = result, Strides = strides } : null;
        }
    }

    private EquatableArray<Dim>? Reshaped(EquatableArray<Dim> result)
    {
        var strides = new Dim[result.Count];
        foreach (var (from, fromCount, to, toCount) in IndexFlow.Groups(Shape, result))
        {
            // The axes of a group must lie one within the other; then the group is one axis with the innermost stride.
            var wide = Enumerable.Range(from, fromCount).Where(i => !Shape[i].IsOne).ToList();
            for (var i = 0; i + 1 < wide.Count; i++)
            {
                if (!Strides[wide[i]].Equals(Strides[wide[i + 1]] * Shape[wide[i + 1]]))
                {
                    return null;
                }
            }

            var stride = wide.Count == 0 ? Dim.One : Strides[wide[wide.Count - 1]];
            for (var i = to + toCount - 1; i >= to; i--)
            {
                strides[i] = stride;
                stride *= result[i];
            }
        }

        return new(strides);
    }
}
