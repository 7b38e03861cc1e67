using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Simplification;

/// <summary>Rebuilds a graph node by node, with the first rule that fits each node.</summary>
internal static class Algebra
{
    /// <param name="graph">The graph.</param>
    /// <param name="isDifferentiated">No derivative will be taken any more.</param>
    /// <param name="settled">Repeated bodies in which no rule fits anything; those that are found are added.</param>
    public static Marked Apply(Marked graph, bool isDifferentiated, List<Graph> settled)
    {
        var builder = new GraphBuilder(graph.Graph.Nodes.Count);
        var map = new ValueMap(graph.Graph.Nodes.Count);
        var mark = 0;
        for (var i = 0; i < graph.Graph.Nodes.Count; i++)
        {
            var node = graph.Graph.Nodes[i];
            builder.Origin = node.Origin;
            var inputs = map.Of(node.Inputs);
            if (RewriteAll(builder, node, inputs, isDifferentiated, settled) is { } results)
            {
                for (var k = 0; k < node.Types.Count; k++)
                {
                    map.Set(i, k, results[k]);
                }
            }
            else
            {
                map.SetAll(i, node.Types.Count, Rewrite(builder, node, inputs, isDifferentiated));
            }

            mark = i < graph.Mark ? builder.Count : mark;
        }

        return new(builder.Build(map.Of(graph.Graph.Outputs)), mark);
    }

    private static Repeat Settle(Repeat repeat, bool isDifferentiated, List<Graph> settled)
    {
        if (settled.Exists(s => ReferenceEquals(s, repeat.Body)))
        {
            return repeat;
        }

        var body = Apply(new(repeat.Body, 0), isDifferentiated, settled).Graph;
        if (body != repeat.Body)
        {
            return repeat with { Body = body };
        }

        settled.Add(repeat.Body);
        return repeat;
    }

    /// <summary>The rules that give each output of a node a value of its own; null where none fits.</summary>
    private static IReadOnlyList<Value>? RewriteAll(GraphBuilder builder, Node node, EquatableArray<Value> inputs, bool isDifferentiated, List<Graph> settled) =>
        node.Operation is Repeat repeat
            ? LoopAlgebra.Rewrite(builder, Settle(repeat, isDifferentiated, settled), [.. inputs], node.Name)
            : new Rules(builder, inputs).Zeros(node);

    /// <summary>What becomes of a node: the simpler value of a rule, or a copy.</summary>
    private static Value Rewrite(GraphBuilder builder, Node node, EquatableArray<Value> inputs, bool isDifferentiated)
    {
        if (isDifferentiated && node.Operation is Unary { Function: UnaryFunction.StopGradient })
        {
            return inputs[0];
        }

        if (new Rules(builder, inputs).Rewrite(node) is { } value)
        {
            if (node.Name.Length > 0 && builder[value.Node].Types.Count == 1 && builder[value.Node].Operation is not Leaf)
            {
                builder.Name(value, node.Name);
            }

            return value;
        }

        return builder.Copy(node, inputs);
    }
}
