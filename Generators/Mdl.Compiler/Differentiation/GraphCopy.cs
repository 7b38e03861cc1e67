using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

internal static class GraphCopy
{
    /// <summary>Adds all nodes of a graph to a builder; returns where each value of the graph stands in it.</summary>
    public static Func<Value, Value> Append(GraphBuilder builder, Graph graph)
    {
        var numbers = new int[graph.Nodes.Count];
        for (var i = 0; i < numbers.Length; i++)
        {
            var node = graph.Nodes[i];
            builder.Origin = node.Origin;
            numbers[i] = builder.AddNode(node.Operation, node.Inputs.Select(Map).ToEquatableArray(), node.Name).Node;
        }

        return Map;

        Value Map(Value v) => new(numbers[v.Node], v.Output);
    }
}
