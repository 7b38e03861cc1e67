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

        return Dense(graph, value);
    }

    /// <summary>The memory of a value that is stored itself.</summary>
    public static StridedView Dense(Graph graph, Value value)
    {
        var type = graph.Type(value);
        return new(value, type.Shape, type.Strides, Dim.Zero);
    }

    public bool IsDense
    {
        get
        {
            var stride = Dim.One;
            for (var i = Shape.Count - 1; i >= 0; i--)
            {
                if (!Strides[i].Equals(stride))
                {
                    return false;
                }

                stride *= Shape[i];
            }

            return true;
        }
    }

    private StridedView? Through(Operation operation, EquatableArray<Dim> result)
    {
        switch (operation)
        {
            case Transpose transpose:
                return new(Base, result, transpose.Permutation.Map(p => Strides[p]), Offset);
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
            var stride = Dim.One;
            var inner = -1;
            for (var i = from + fromCount - 1; i >= from; i--)
            {
                if (Shape[i].IsOne)
                {
                    continue;
                }

                if (inner >= 0 && !Strides[i].Equals(Strides[inner] * Shape[inner]))
                {
                    return null;
                }

                stride = inner < 0 ? Strides[i] : stride;
                inner = i;
            }

            for (var i = to + toCount - 1; i >= to; i--)
            {
                strides[i] = stride;
                stride *= result[i];
            }
        }

        return new(strides);
    }
}
