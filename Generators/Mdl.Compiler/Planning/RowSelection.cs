using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>
/// Makes the logits of chosen tokens only: where the result is a product of states with a matrix, the states' rows are chosen first, so that
/// a prompt's prefill computes one row of logits rather than one for each token.
/// </summary>
internal static class RowSelection
{
    /// <summary>The graph input with the chosen rows: int[R].</summary>
    public const string InputName = "rows";

    /// <summary>The graph with logits [R, V], its first output; the others stay. Null where the result is no such product, or others are made of it.</summary>
    public static Graph? Run(Graph graph)
    {
        var result = graph.Outputs[0];
        while (graph.Nodes[result.Node].Operation is Reshape)
        {
            result = graph.Nodes[result.Node].Inputs[0];
        }

        var product = graph.Nodes[result.Node];
        if (product.Operation is not Contract { TransposeLeft: false } contract || product.Types[0].Rank != 2)
        {
            return null;
        }

        var builder = new GraphBuilder();
        var map = new Dictionary<Value, Value>();
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            if (i == result.Node || !node.Inputs.All(map.ContainsKey))
            {
                continue;
            }

            builder.Origin = node.Origin;
            var copy = builder.AddNode(node.Operation, node.Inputs.Map(v => map[v]), node.Name);
            for (var output = 0; output < node.Types.Count; output++)
            {
                map[new(i, output)] = copy with { Output = output };
            }
        }

        if (!graph.Outputs.Skip(1).All(map.ContainsKey))
        {
            return null;
        }

        builder.Origin = product.Origin;
        var rows = builder.Add(new Input(InputName, TensorType.I32(Dim.Symbol("R"))));
        var chosen = builder.Add(new Gather(), map[product.Inputs[0]], rows);
        var logits = builder.AddNode(contract, [chosen, map[product.Inputs[1]]], product.Name);
        return builder.Build([logits, .. graph.Outputs.Skip(1).Select(v => map[v])]);
    }
}
