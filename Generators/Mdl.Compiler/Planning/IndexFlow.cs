using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>How an index into the result of a fusable operation becomes indices into its inputs.</summary>
internal static class IndexFlow
{
    /// <summary>Operations that row kernels compute inline; all others have kernels of their own.</summary>
    public static bool IsFusable(Operation operation) =>
        operation is Unary or Binary or Select or Reduce or Broadcast or Reshape or Transpose or Slice or Concat or Constant or SizeOf or Iota or Positions;

    public static bool IsView(Operation operation) => operation is Broadcast or Reshape or Transpose or Slice or Concat;

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
                var skipped = at.Length - shape.Count;
                return [.. shape.Select((d, i) => d.IsOne ? Linear.Zero : at[i + skipped])];
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
                return [.. at.Select((x, i) => i == slice.Axis ? x.Plus(slice.Start) : x)];
            case Concat concat:
                var start = node.Inputs.Take(input).Aggregate(Dim.Zero, (sum, v) => sum + graph.Type(v).Shape[concat.Axis]);
                return [.. at.Select((x, i) => i == concat.Axis ? x.Plus(Dim.Zero - start) : x)];
            default:
                return at;
        }
    }

    /// <summary>Whether a loop over columns can choose the operand of a concatenation by its bounds alone.</summary>
    public static bool ChoosesByColumn(Graph graph, Node node, Linear[] at)
    {
        var axis = ((Concat)node.Operation).Axis;
        var index = at[axis];
        return index.Terms.Count == 1 && index.Terms[0].Digit.Variable == LoopVariable.Column && index.Terms[0].Coefficient.IsOne
            && index.Offset.IsConstant && node.Inputs.All(v => graph.Type(v).Shape[axis].IsConstant);
    }

    /// <summary>Row-major strides of a dense tensor.</summary>
    public static Dim[] Strides(IReadOnlyList<Dim> shape)
    {
        var strides = new Dim[shape.Count];
        var stride = Dim.One;
        for (var i = shape.Count - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= shape[i];
        }

        return strides;
    }

    /// <summary>The flat element number of an index.</summary>
    public static Linear Flatten(IReadOnlyList<Dim> strides, Linear[] at)
    {
        var sum = Linear.Zero;
        for (var i = 0; i < at.Length; i++)
        {
            sum = sum.Plus(at[i].Times(strides[i]));
        }

        return sum;
    }

    /// <summary>Pairs of axis ranges of two shapes that hold the same elements: (first, count) in each.</summary>
    public static List<(int From, int FromCount, int To, int ToCount)> Groups(IReadOnlyList<Dim> from, IReadOnlyList<Dim> to)
    {
        var groups = new List<(int, int, int, int)>();
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

            groups.Add((i0, i - i0, j0, j - j0));
        }

        return groups;
    }

    private static Linear[]? ThroughReshape(IReadOnlyList<Dim> result, IReadOnlyList<Dim> source, Linear[] at)
    {
        var into = new Linear[source.Count];
        foreach (var (from, fromCount, to, toCount) in Groups(result, source))
        {
            var sizes = result.Skip(from).Take(fromCount).ToArray();
            var flat = Flatten(Strides(sizes), [.. at.Skip(from).Take(fromCount)]);
            var split = flat.Split([.. source.Skip(to).Take(toCount)]);
            if (split is null)
            {
                return null;
            }

            split.CopyTo(into, to);
        }

        return into;
    }
}
