using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>What a forward graph lets its programs do with time: how long a sequence may be, and whether tokens can be decoded one after the other.</summary>
internal static class TokenMixing
{
    private const string Time = "T";

    /// <summary>The rows of the shortest table that is read by position, or null.</summary>
    public static long? LongestSequence(Graph graph)
    {
        long? longest = null;
        foreach (var node in Nodes(graph))
        {
            if (node.Node.Operation is Gather && IsPositions(node.Graph, node.Node.Inputs[1]) && node.Graph.Type(node.Node.Inputs[0]).Shape[0] is { IsConstant: true } rows)
            {
                longest = Math.Min(longest ?? long.MaxValue, rows.Constant);
            }
        }

        return longest;
    }

    /// <summary>
    /// The first node by which a token's result depends on other tokens otherwise than through causal attention, whose keys and values a cache holds; null if
    /// there is none. Limited capacity does not count: what is dropped depends on the tokens of a run by its meaning.
    /// </summary>
    public static Node? FirstUncached(Graph graph)
    {
        foreach (var (scope, node) in Nodes(graph))
        {
            var mixes = node.Operation switch
            {
                Attend attend => attend.Mask != AttentionMask.Causal,
                Contract contract => HasTime(Depth(scope.Type(node.Inputs[0]), contract.TransposeLeft)),
                Reduce reduce => reduce.Axes.Any(a => HasTime(scope.Type(node.Inputs[0]).Shape[a])),
                _ => false,
            };
            if (mixes)
            {
                return node;
            }
        }

        return null;
    }

    private static Dim Depth(TensorType left, bool transposed) => transposed ? left.Shape[left.Rank - 2] : left.Last;

    private static bool HasTime(Dim dim) => dim.Symbols.Contains(Time);

    private static bool IsPositions(Graph graph, Value value)
    {
        while (graph.Nodes[value.Node].Operation is Reshape or Broadcast)
        {
            value = graph.Nodes[value.Node].Inputs[0];
        }

        return graph.Nodes[value.Node].Operation is Positions;
    }

    private static IEnumerable<(Graph Graph, Node Node)> Nodes(Graph graph)
    {
        foreach (var node in graph.Nodes)
        {
            yield return (graph, node);
            if (node.Operation is Repeat repeat)
            {
                foreach (var inner in Nodes(repeat.Body))
                {
                    yield return inner;
                }
            }
        }
    }
}
