using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Verification;

/// <summary>A graph breaks a rule that every pass must keep: a fault of the compiler, not of the model.</summary>
public sealed class GraphException(string message) : Exception(message);

/// <summary>Checks what every pass may rely on: order, types, the inputs of repeated bodies, one type a parameter.</summary>
public static class GraphVerifier
{
    /// <exception cref="GraphException">A rule is broken; the message shows the node.</exception>
    public static void Verify(Graph graph) => Verify(graph, [], body: null);

    private static void Verify(Graph graph, Dictionary<string, TensorType> leaves, Repeat? body)
    {
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            Require(node.Inputs.All(v => IsBefore(graph, v, i)), i, node, "uses a value that is not computed before it");
            Require(Infer(graph, i, node) == node.Types, i, node, $"its types should be {Infer(graph, i, node)}");
            switch (node.Operation)
            {
                case Input input:
                    Require(body is null || input.Name == "#" + i, i, node, "inputs of a repeated body are its first nodes, in order");
                    Require(body is not null || AddLeaf(leaves, "input " + input.Name, input.Type), i, node, "another node gives this input another type");
                    break;
                case Parameter parameter:
                    Require(body is null, i, node, "a repeated body gets its parameters as invariants or slices");
                    Require(AddLeaf(leaves, "parameter " + parameter.Path, parameter.Type), i, node, "another node gives this parameter another type");
                    break;
                case Repeat repeat:
                    Verify(repeat.Body, leaves, repeat);
                    Require(
                        repeat.Body.Nodes.Count(n => n.Operation is Input) == node.Inputs.Count, i, node, $"its body does not have {node.Inputs.Count} inputs");
                    break;
            }
        }

        if (!graph.Outputs.All(v => IsBefore(graph, v, graph.Nodes.Count)))
        {
            throw new GraphException($"yields a value that is not computed: {graph.Outputs}");
        }
    }

    private static bool IsBefore(Graph graph, Value value, int node) =>
        value.Node >= 0 && value.Node < node && value.Output >= 0 && value.Output < graph.Nodes[value.Node].Types.Count;

    private static EquatableArray<TensorType> Infer(Graph graph, int index, Node node)
    {
        try
        {
            return node.Operation.Infer(node.Inputs.Select(graph.Type).ToEquatableArray());
        }
        catch (ShapeException e)
        {
            throw new GraphException(Describe(index, node, e.Message));
        }
    }

    private static bool AddLeaf(Dictionary<string, TensorType> leaves, string key, TensorType type)
    {
        if (leaves.TryGetValue(key, out var known))
        {
            return known == type;
        }

        leaves[key] = type;
        return true;
    }

    private static void Require(bool condition, int index, Node node, string message)
    {
        if (!condition)
        {
            throw new GraphException(Describe(index, node, message));
        }
    }

    private static string Describe(int index, Node node, string message) =>
        $"%{index} = {node.Operation}({string.Join(", ", node.Inputs)}) : {string.Join("; ", node.Types)} [{node.Name} {node.Origin.Path}:{node.Origin.Line}]: {message}";
}
