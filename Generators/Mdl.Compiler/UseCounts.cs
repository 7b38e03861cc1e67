using Mdl.Dsl.Graphs;

namespace Mdl.Compiler;

/// <summary>How often the first output of each node is read, by nodes and as an output of the graph.</summary>
internal static class UseCounts
{
    public static int[] Of(Graph graph)
    {
        var uses = new int[graph.Nodes.Count];
        foreach (var node in graph.Nodes)
        {
            foreach (var input in node.Inputs)
            {
                uses[input.Node] += input.Output == 0 ? 1 : 0;
            }
        }

        foreach (var output in graph.Outputs)
        {
            uses[output.Node] += output.Output == 0 ? 1 : 0;
        }

        return uses;
    }
}
