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
            var results = Rewrite(builder, node, map.Of(node.Inputs), isDifferentiated, settled);
            for (var k = 0; k < node.Types.Count; k++)
            {
                map.Set(i, k, results[k]);
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

    private static IReadOnlyList<Value> Rewrite(GraphBuilder builder, Node node, EquatableArray<Value> inputs, bool isDifferentiated, List<Graph> settled)
    {
        if (node.Operation is Repeat repeat)
        {
            return LoopAlgebra.Rewrite(builder, Settle(repeat, isDifferentiated, settled), [.. inputs], node.Name);
        }

        if (isDifferentiated && node.Operation is Unary { Function: UnaryFunction.StopGradient })
        {
            return [inputs[0]];
        }

        var rule = new Rules(builder, inputs);
        if (rule.Zeros(node) is { } zeros)
        {
            return zeros;
        }

        if (rule.Rewrite(node) is { } value)
        {
            if (node.Name.Length > 0 && builder[value.Node].Types.Count == 1 && builder[value.Node].Operation is not Leaf)
            {
                builder.Name(value, node.Name);
            }

            return [value];
        }

        var added = builder.Copy(node, inputs);
        var results = new Value[node.Types.Count];
        for (var k = 0; k < results.Length; k++)
        {
            results[k] = k == 0 ? added : new(added.Node, k);
        }

        return results;
    }
}
