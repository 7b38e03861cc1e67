using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Evaluation;

/// <summary>
/// The executable meaning of a graph: double precision, one operation after the other, nothing fused, nothing clever. Backends are tested against it.
/// </summary>
public static class Evaluator
{
    /// <summary>Runs a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="symbols">Values of the symbolic sizes, such as B and T.</param>
    /// <param name="inputs">The tensor of each <see cref="Input"/> by name.</param>
    /// <param name="parameters">The tensor of each <see cref="Parameter"/> by path.</param>
    /// <param name="positionOffset">The position of the first token.</param>
    /// <returns>The graph's outputs, in order.</returns>
    /// <exception cref="ArgumentException">An input or parameter has another shape than the graph says.</exception>
    public static NDArray[] Run(
        Graph graph,
        IReadOnlyDictionary<string, long> symbols,
        Func<string, NDArray> inputs,
        Func<string, NDArray> parameters,
        long positionOffset = 0)
    {
        var scope = new Scope(symbols, inputs, parameters, positionOffset);
        var values = new NDArray[graph.Nodes.Count][];
        for (var i = 0; i < values.Length; i++)
        {
            var node = graph.Nodes[i];
            values[i] = Meaning.Of(node.Operation, node.Inputs.Select(v => values[v.Node][v.Output]).ToArray(), scope);
            CheckShapes(i, node, values[i], scope);
        }

        return graph.Outputs.Select(v => values[v.Node][v.Output]).ToArray();
    }

    private static void CheckShapes(int index, Node node, NDArray[] results, Scope scope)
    {
        for (var i = 0; i < results.Length; i++)
        {
            var wanted = scope.Sizes(node.Types[i].Shape);
            if (results[i].Shape != wanted)
            {
                throw new ArgumentException($"%{index} {node.Operation} is {results[i].Shape}, wanted {wanted}");
            }
        }
    }
}

/// <summary>What the leaves of a graph stand for.</summary>
internal sealed record Scope(
    IReadOnlyDictionary<string, long> Symbols,
    Func<string, NDArray> Inputs,
    Func<string, NDArray> Parameters,
    long PositionOffset)
{
    public int Size(Dim dim) => checked((int)dim.Evaluate(Symbols));

    public EquatableArray<int> Sizes(EquatableArray<Dim> shape) => shape.Select(Size).ToEquatableArray();
}
