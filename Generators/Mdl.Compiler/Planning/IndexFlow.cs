using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>FromCount axes of one shape, beginning at From, that hold the same elements as ToCount axes of another, beginning at To.</summary>
internal sealed record AxisGroup(int From, int FromCount, int To, int ToCount);

/// <summary>How an index into the result of a fusable operation becomes indices into its inputs.</summary>
internal static class IndexFlow
{
    /// <summary>Operations that row kernels compute inline; all others have kernels of their own.</summary>
    public static bool IsFusable(Operation operation) =>
        operation is Unary or Binary or Select or Reduce or Broadcast or Reshape or Transpose or Slice or Concat or Constant or SizeOf or Iota or Positions
            || IsIndirect(operation);

    /// <summary>Operations whose input 0 is read at rows that their input 1, a tensor of ints, names.</summary>
    public static bool IsIndirect(Operation operation) => operation is Gather or GatherRows or CombineRows;

    /// <summary>Operations that choose elements of a row, or put elements where others were chosen: each row of the result comes from the same rows of the inputs.</summary>
    public static bool IsSelection(Operation operation) => operation is Top or TakeAlong or PutAlong;

    public static bool IsView(Operation operation) => operation is Broadcast or Reshape or Transpose or Slice or Concat or Gather or GatherRows;

    public static bool IsTranscendental(Operation operation) => operation switch
    {
        Unary u => u.Function is UnaryFunction.Exp or UnaryFunction.Log or UnaryFunction.Sin or UnaryFunction.Cos or UnaryFunction.Tanh
            or UnaryFunction.Sigmoid or UnaryFunction.Erf,
        Binary b => b.Function is BinaryFunction.Power,
        _ => false,
    };

    /// <summary>The index into input <paramref name="input"/> for index <paramref name="at"/> into the result; null if digits cannot say it.</summary>
    public static Linear[]? Into(Graph graph, Node node, int input, Linear[] at)
    {
        var shape = graph.Type(node.Inputs[input]).Shape;
        switch (node.Operation)
        {
            case Broadcast:
                var kept = new Linear[shape.Count];
                for (var i = 0; i < kept.Length; i++)
                {
                    kept[i] = shape[i].IsOne ? Linear.Zero : at[i + at.Length - kept.Length];
                }

                return kept;
            case Reshape reshape:
                return ThroughReshape(reshape.Shape, shape, at);
            case Transpose transpose:
                var permuted = new Linear[at.Length];
                for (var i = 0; i < at.Length; i++)
                {
                    permuted[transpose.Permutation[i]] = at[i];
                }

                return permuted;
            case Slice slice:
                return Shifted(at, slice.Axis, slice.Start);
            case Concat concat:
                var start = Dim.Zero;
                for (var i = 0; i < input; i++)
                {
                    start += graph.Type(node.Inputs[i]).Shape[concat.Axis];
                }

                return Shifted(at, concat.Axis, Dim.Zero - start);
            case Gather when input == 0:
                var index = graph.Type(node.Inputs[1]);
                var chosen = Linear.Of(new Lookup(node.Inputs[1], Flatten(index.Strides, Range(at, 0, index.Rank)), false), Dim.One);
                return chosen is null ? null : [chosen, .. Range(at, index.Rank, at.Length - index.Rank)];
            case GatherRows gather when input == 0:
                return Looked(graph, node.Inputs[1], at[0], gather.Slots) is { } token ? [token, at[1]] : null;
            case CombineRows when input == 0:
                return IntoSlot(node, 0, at);
            case Gather or GatherRows or CombineRows:
                return null;
            default:
                return at;
        }
    }

    /// <summary>The index into the rows that <see cref="CombineRows"/> adds, for one slot of a token; null if digits cannot say it.</summary>
    public static Linear[]? IntoSlot(Node node, int slot, Linear[] at)
    {
        var combine = (CombineRows)node.Operation;
        var lookup = new Lookup(node.Inputs[1], at[0].Times(combine.Slots).Plus(slot), !combine.IsComplete);
        return Linear.Of(lookup, Dim.One) is { } row ? [row, at[1]] : null;
    }

    /// <summary>The number at an index of a tensor of ints, divided. A choice of the row of a choice is that choice.</summary>
    private static Linear? Looked(Graph graph, Value index, Linear at, int divisor)
    {
        if (at.Terms.Count == 1 && at.Offset.Equals(Dim.Zero) && at.Terms[0] is { Coefficient.IsOne: true, Digit: { Source: { } inner, Modulus: null } digit }
            && digit.Divisor.IsOne && index.Output == 0 && graph.Nodes[index.Node].Operation is Dispatch && inner.Index == index with { Output = 1 } && inner.At.DividedBy(divisor) is { } choice)
        {
            return choice;
        }

        return Linear.Of(new Lookup(index, at, false), divisor);
    }

    /// <summary>Whether a loop over columns can choose the operand of a concatenation by its bounds alone.</summary>
    public static bool ChoosesByColumn(Graph graph, Node node, Linear[] at)
    {
        var axis = ((Concat)node.Operation).Axis;
        var index = at[axis];
        return index.Terms.Count == 1 && index.Terms[0].Digit.Variable == LoopVariable.Column && index.Terms[0].Coefficient.IsOne
            && index.Offset.IsConstant && HaveConstant(axis, graph, node.Inputs);
    }

    private static bool HaveConstant(int axis, Graph graph, EquatableArray<Value> values)
    {
        foreach (var value in values)
        {
            if (!graph.Type(value).Shape[axis].IsConstant)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The flat element number of an index.</summary>
    public static Linear Flatten(EquatableArray<Dim> strides, Linear[] at)
    {
        var sum = Linear.Zero;
        for (var i = 0; i < at.Length; i++)
        {
            sum = sum.Plus(at[i].Times(strides[i]));
        }

        return sum;
    }

    /// <summary>Pairs of axis ranges of two shapes that hold the same elements.</summary>
    public static List<AxisGroup> Groups(EquatableArray<Dim> from, EquatableArray<Dim> to)
    {
        var groups = new List<AxisGroup>();
        int i = 0, j = 0;
        while (i < from.Count || j < to.Count)
        {
            int i0 = i, j0 = j;
            var a = i < from.Count ? from[i++] : Dim.One;
            var b = j < to.Count ? to[j++] : Dim.One;
            while (!a.Equals(b))
            {
                var extendFrom = i < from.Count && (j >= to.Count || Dim.Divide(b, a) is not null || Dim.Divide(a, b) is null);
                if (extendFrom)
                {
                    a *= from[i++];
                }
                else if (j < to.Count)
                {
                    b *= to[j++];
                }
                else
                {
                    break;
                }
            }

            groups.Add(new(i0, i - i0, j0, j - j0));
        }

        return groups;
    }

    private static Linear[]? ThroughReshape(EquatableArray<Dim> result, EquatableArray<Dim> source, Linear[] at)
    {
        var into = new Linear[source.Count];
        foreach (var (from, fromCount, to, toCount) in Groups(result, source))
        {
            if (fromCount == 1 && toCount == 1)
            {
                into[to] = source[to].IsOne ? Linear.Zero : at[from];
                continue;
            }

            var flat = Linear.Zero;
            var stride = Dim.One;
            for (var i = from + fromCount - 1; i >= from; i--)
            {
                flat = at[i].Times(stride).Plus(flat);
                stride *= result[i];
            }

            if (flat.Split(Range(source, to, toCount)) is not { } split)
            {
                return null;
            }

            split.CopyTo(into, to);
        }

        return into;
    }

    private static Linear[] Shifted(Linear[] at, int axis, Dim by)
    {
        var shifted = (Linear[])at.Clone();
        shifted[axis] = shifted[axis].Plus(by);
        return shifted;
    }

    private static Dim[] Range(EquatableArray<Dim> items, int first, int count)
    {
        var range = new Dim[count];
        for (var i = 0; i < count; i++)
        {
            range[i] = items[first + i];
        }

        return range;
    }

    private static Linear[] Range(Linear[] items, int first, int count)
    {
        var range = new Linear[count];
        Array.Copy(items, first, range, 0, count);
        return range;
    }
}
