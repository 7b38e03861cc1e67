using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

internal static class GraphCopy
{
    /// <summary>Adds all nodes of a graph to a builder; returns where each value of the graph stands in it.</summary>
    public static Func<Value, Value> Append(GraphBuilder builder, Graph graph)
    {
        var map = new ValueMap(graph.Nodes.Count);
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            builder.Origin = node.Origin;
            map.SetAll(i, node.Types.Count, builder.Copy(node, map.Of(node.Inputs)));
        }

        return value => map[value];
    }
}
