using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Simplification;

/// <summary>Rules for views: views of constants, views that change nothing, views of views.</summary>
internal static class ViewRules
{
    /// <summary>The number that all elements of a value have, where they have one that is known.</summary>
    public static double? ConstantOf(this GraphBuilder builder, Value value)
    {
        var node = builder[value.Node];
        return node.Operation switch
        {
            Constant c => c.Value,
            Broadcast => builder.ConstantOf(node.Inputs[0]),
            _ => null,
        };
    }

    public static Value? Rewrite(GraphBuilder builder, Node node, EquatableArray<Value> x)
    {
        if (node.Operation is not (Broadcast or Reshape or Transpose or Slice or Concat or Pad))
        {
            return null;
        }

        var shape = node.Types[0].Shape;
        var constant = builder.ConstantOf(x[0]);
        if (constant is { } c && AreAll(builder, x, c) && (node.Operation is not Pad || c == 0))
        {
            return builder.Broadcast(builder.Constant(c), shape);
        }

        var inner = builder[x[0].Node];
        return node.Operation switch
        {
            Broadcast => SimplifyBroadcast(builder, x[0], inner, shape),
            Reshape => builder.Type(x[0]).Shape == shape ? x[0] : inner.Operation is Reshape ? builder.Reshape(inner.Inputs[0], shape) : null,
            Transpose o => SimplifyTranspose(builder, o, x[0], inner),
            Slice o => SimplifySlice(builder, o, x[0], inner),
            Concat o => SimplifyConcat(builder, o, x),
            Pad { Before: var before, After: var after } => before.Equals(Dim.Zero) && after.Equals(Dim.Zero) ? x[0] : null,
            _ => null,
        };
    }

    private static bool AreAll(GraphBuilder builder, EquatableArray<Value> values, double constant)
    {
        foreach (var value in values)
        {
            if (builder.ConstantOf(value) != constant)
            {
                return false;
            }
        }

        return true;
    }

    private static Value? SimplifyBroadcast(GraphBuilder builder, Value x, Node inner, EquatableArray<Dim> shape) =>
        builder.Type(x).Shape == shape ? x
        : inner.Operation is Broadcast ? builder.Broadcast(inner.Inputs[0], shape)
        : null;

    private static Value? SimplifyTranspose(GraphBuilder builder, Transpose o, Value x, Node inner) =>
        IsIdentity(o.Permutation) ? x
        : inner.Operation is Transpose first ? builder.Transpose(inner.Inputs[0], o.Permutation.Select(p => first.Permutation[p]))
        : null;

    private static bool IsIdentity(EquatableArray<int> permutation)
    {
        for (var i = 0; i < permutation.Count; i++)
        {
            if (permutation[i] != i)
            {
                return false;
            }
        }

        return true;
    }

    private static Value? SimplifySlice(GraphBuilder builder, Slice o, Value x, Node inner)
    {
        if (o.Start.Equals(Dim.Zero) && o.Length.Equals(builder.Type(x).Shape[o.Axis]))
        {
            return x;
        }

        switch (inner.Operation)
        {
            case Slice first when first.Axis == o.Axis:
                return builder.Slice(inner.Inputs[0], o.Axis, first.Start + o.Start, o.Length);
            case Pad pad when pad.Axis == o.Axis && pad.Before.Equals(o.Start) && builder.Type(inner.Inputs[0]).Shape[o.Axis].Equals(o.Length):
                return inner.Inputs[0];
            case Concat concat when concat.Axis == o.Axis:
                var start = Dim.Zero;
                foreach (var part in inner.Inputs)
                {
                    var length = builder.Type(part).Shape[o.Axis];
                    if (start.Equals(o.Start) && length.Equals(o.Length))
                    {
                        return part;
                    }

                    start += length;
                }

                return null;
            default:
                return null;
        }
    }

    /// <summary>Neighbouring slices of one value become one slice.</summary>
    private static Value? SimplifyConcat(GraphBuilder builder, Concat o, EquatableArray<Value> x)
    {
        var parts = new List<Value>();
        foreach (var part in x)
        {
            if (parts.Count > 0 && Join(builder, o.Axis, parts[parts.Count - 1], part) is { } joined)
            {
                parts[parts.Count - 1] = joined;
            }
            else
            {
                parts.Add(part);
            }
        }

        return parts.Count == 1 ? parts[0] : parts.Count < x.Count ? builder.Add(o, parts) : null;
    }

    private static Value? Join(GraphBuilder builder, int axis, Value left, Value right)
    {
        var (a, b) = (builder[left.Node], builder[right.Node]);
        return a.Operation is Slice first && b.Operation is Slice second && first.Axis == axis && second.Axis == axis
            && a.Inputs[0] == b.Inputs[0] && (first.Start + first.Length).Equals(second.Start)
            ? builder.Slice(a.Inputs[0], axis, first.Start, first.Length + second.Length)
            : null;
    }
}
