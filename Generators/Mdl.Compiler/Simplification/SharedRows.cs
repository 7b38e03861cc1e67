using System.Globalization;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Simplification;

/// <summary>
/// Where an input is the same for all rows of a batch, as the noise level of a sampler's step, so is all that depends on it alone: it is computed for one row and
/// stretched where it meets what differs from row to row. The input itself becomes one of a single row.
/// </summary>
internal static class SharedRows
{
    // No axis is that of the rows; or several are, or one mixes rows with something else.
    private const int NoAxis = -1;
    private const int Mixed = -2;

    /// <summary>Takes an input as the same for all rows.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="input">The name of the input.</param>
    /// <param name="rows">The size of the batch, which is one axis of the input.</param>
    public static Graph Share(Graph graph, string input, Dim rows)
    {
        var builder = new GraphBuilder(graph.Nodes.Count);
        var shared = graph.Nodes.Select(n => n.Operation is Input i && i.Name == input).ToArray();
        return Share(builder, graph, rows, i => shared[i] ? builder.AddNode(new Input(input, Single(graph.Nodes[i].Types[0], rows)), [], graph.Nodes[i].Name) : null);
    }

    // One row of the values of which all rows are alike; the others are in the map.
    private static Graph Share(GraphBuilder builder, Graph graph, Dim rows, Func<int, Value?> given)
    {
        var map = new ValueMap(graph.Nodes.Count);
        var single = new Value?[graph.Nodes.Count];
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            builder.Origin = node.Origin;
            if ((given(i) ?? SingleOf(builder, graph, node, rows, single)) is { } one)
            {
                single[i] = one;
                map.Set(i, 0, builder.Broadcast(one, node.Types[0].Shape));
                continue;
            }

            var added = node.Operation is Repeat repeat
                ? Loop(builder, repeat, node, rows, single, map)
                : builder.Copy(node, map.Of(node.Inputs));
            map.SetAll(i, node.Types.Count, added);
            if (node.Types.Count == 1 && Axis(node.Types[0], rows) == NoAxis)
            {
                single[i] = added;
            }
        }

        return builder.Build(map.Of(graph.Outputs));
    }

    /// <summary>The operation on one row, if its inputs have it and it does with each row the same; null otherwise, and where no axis is that of the rows.</summary>
    private static Value? SingleOf(GraphBuilder builder, Graph graph, Node node, Dim rows, Value?[] single)
    {
        if (node.Inputs.Count == 0 || node.Types.Count != 1 || Axis(node.Types[0], rows) is var axis && axis < 0
            || node.Inputs.Any(v => v.Output != 0 || single[v.Node] is null || Axis(graph.Type(v), rows) == Mixed))
        {
            return null;
        }

        // That the result still has the axis tells that it was not summed over.
        var from = Axis(graph.Type(node.Inputs[0]), rows);
        Operation? operation = node.Operation switch
        {
            Unary or Binary or Select or Contract => node.Operation,
            Reduce reduce when !reduce.Axes.Contains(from) => reduce,
            Transpose => node.Operation,
            Slice slice when slice.Axis != from => slice,
            Concat concat when concat.Axis != axis => concat,
            Broadcast => new Broadcast(Single(node.Types[0], rows).Shape),
            Reshape when Before(graph.Type(node.Inputs[0]), from).Equals(Before(node.Types[0], axis)) => new Reshape(Single(node.Types[0], rows).Shape),
            _ => null,
        };
        return operation is null ? null : builder.AddNode(operation, [.. node.Inputs.Select(v => single[v.Node]!)], node.Name);
    }

    /// <summary>A repetition whose invariants have one row where all rows are alike.</summary>
    private static Value Loop(GraphBuilder outer, Repeat repeat, Node node, Dim rows, Value?[] single, ValueMap map)
    {
        bool IsShared(int input) => repeat.RoleOf(input) == InputRole.Invariant && node.Inputs[input].Output == 0
            && single[node.Inputs[input].Node] is not null && Axis(repeat.Body.Nodes[input].Types[0], rows) >= 0;
        var inner = new GraphBuilder(repeat.Body.Nodes.Count);
        var body = Share(inner, repeat.Body, rows, i => i < node.Inputs.Count && IsShared(i)
            ? inner.AddNode(new Input("#" + i.ToString(CultureInfo.InvariantCulture), Single(repeat.Body.Nodes[i].Types[0], rows)), [], repeat.Body.Nodes[i].Name)
            : null);
        return outer.AddNode(repeat with { Body = InputsFirst(body) }, [.. node.Inputs.Select((v, i) => IsShared(i) ? single[v.Node]! : map[v])], node.Name);
    }

    // Stretched inputs stand between the inputs of a body, which are its first nodes.
    private static Graph InputsFirst(Graph body)
    {
        var builder = new GraphBuilder(body.Nodes.Count);
        var map = new ValueMap(body.Nodes.Count);
        foreach (var isInput in new[] { true, false })
        {
            for (var i = 0; i < body.Nodes.Count; i++)
            {
                var node = body.Nodes[i];
                if (node.Operation is Input == isInput)
                {
                    builder.Origin = node.Origin;
                    map.SetAll(i, node.Types.Count, builder.Copy(node, map.Of(node.Inputs)));
                }
            }
        }

        return builder.Build(map.Of(body.Outputs));
    }

    /// <summary>Which axis is that of the rows, if just one is.</summary>
    private static int Axis(TensorType type, Dim rows)
    {
        var symbol = rows.Symbols.Single();
        var axis = NoAxis;
        for (var i = 0; i < type.Rank; i++)
        {
            if (!type.Shape[i].IsConstant && type.Shape[i].Symbols.Contains(symbol))
            {
                axis = axis == NoAxis && type.Shape[i].Equals(rows) ? i : Mixed;
            }
        }

        return axis;
    }

    private static Dim Before(TensorType type, int axis) => Dim.Product(type.Shape.Take(Math.Max(axis, 0)));

    private static TensorType Single(TensorType type, Dim rows) => type.With(type.Shape.Select(d => d.Equals(rows) ? Dim.One : d).ToEquatableArray());
}
