using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>Where a kernel's row and column lead to in what it reads.</summary>
internal sealed partial class Fuser
{
    /// <summary>The index of a kernel's row and column into a tensor of its shape. Not to be written to: all kernels over the shape share it.</summary>
    public Linear[] RootIndex(EquatableArray<Dim> shape)
    {
        if (!_rootIndices.TryGetValue(shape, out var index))
        {
            _rootIndices[shape] = index = shape.Count == 0 ? []
                : [.. Linear.Row.Split(shape.RemoveAt(shape.Count - 1))!, shape[shape.Count - 1].IsOne ? Linear.Zero : Linear.Column];
        }

        return index;
    }

    /// <summary>As <see cref="IndexFlow.Into"/>; remembered where it takes more than picking axes, because several walks over each expression ask for it.</summary>
    public Linear[]? Into(Value value, int input, Linear[] at)
    {
        var node = _graph.Nodes[value.Node];
        if (node.Operation is not (Reshape or Slice or Concat or Gather or GatherRows or CombineRows))
        {
            return IndexFlow.Into(_graph, node, input, at);
        }

        var place = new Place(value, at);
        if (!_flows.TryGetValue(place, out var flows))
        {
            _flows[place] = flows = new Linear[]?[node.Inputs.Count];
            for (var i = 0; i < flows.Length; i++)
            {
                flows[i] = IndexFlow.Into(_graph, node, i, at);
            }
        }

        return flows[input];
    }

    /// <summary>The index into the operand of a root that reduces, given the index of the root's space.</summary>
    public Linear[] ReducedIndex(Node node, Linear[] at)
    {
        var reduce = (Reduce)node.Operation;
        var shape = _graph.Type(node.Inputs[0]).Shape;
        var inner = Linear.Inner.Split([.. reduce.Axes.Select(a => shape[a])])!;
        var into = (Linear[])at.Clone();
        for (var i = 0; i < reduce.Axes.Count; i++)
        {
            into[reduce.Axes[i]] = inner[i];
        }

        return into;
    }

    /// <summary>Whether an index, none of which moves within a serial reduction, is that of the kernel's own row.</summary>
    public static bool IsOwnRow(Dim rows, TensorType type, Linear[] at)
    {
        foreach (var index in at)
        {
            if (index.Uses(LoopVariable.Inner))
            {
                return false;
            }
        }

        return IsRow(rows, type, at);
    }

    /// <summary>Whether each row of a view is the row of the same number of its base.</summary>
    private bool IsOwnRow(Dim rows, StridedView view) =>
        _graph.Type(view.Base) is { Rank: > 0 } type && type.Leading.Size.Equals(rows) && view.Offset.Equals(Dim.Zero) && type.Last.Equals(view.Shape[view.Shape.Count - 1]);

    public static bool IsRow(Dim rows, TensorType type, Linear[] at)
    {
        if (!type.Leading.Size.Equals(rows))
        {
            return false;
        }

        if (type.Rank == 2)
        {
            return rows.IsOne ? at[0].IsZero : at[0] == Linear.Row;
        }

        var flat = FlatRow(type, at);
        return rows.IsOne ? flat.IsZero : flat == Linear.Row;
    }

    private static Linear FlatRow(TensorType type, Linear[] at)
    {
        var strides = type.Leading.Strides;
        var flat = Linear.Zero;
        for (var i = 0; i + 1 < type.Rank; i++)
        {
            flat = flat.Plus(at[i].Times(strides[i]));
        }

        return flat;
    }

    /// <summary>How many consecutive rows read a row of a value at an index that depends on the row; 0 if other rows read it too.</summary>
    private static long RowsPerRow(TensorType type, Linear[] at)
    {
        var flat = FlatRow(type, at);
        return flat.Offset.Equals(Dim.Zero) && flat.Terms.Count == 1
            && flat.Terms[0] is { Coefficient.IsOne: true, Digit: { Variable: LoopVariable.Row, Modulus: null, Source: null, Divisor: { IsConstant: true } divisor } }
            ? divisor.Constant : 0;
    }
}
