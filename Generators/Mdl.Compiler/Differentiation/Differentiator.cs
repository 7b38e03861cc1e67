using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

/// <summary>Reverse-mode differentiation, graph to graph.</summary>
public static class Differentiator
{
    /// <summary>
    /// Appends the gradients of a loss to a graph. <see cref="Repeat"/> nodes get more results: what their backward loop needs.
    /// A parameter that the loss does not reach gets zeros.
    /// </summary>
    /// <param name="graph">The forward graph.</param>
    /// <param name="loss">A value with one element.</param>
    /// <param name="parameterPaths">The parameters to differentiate by.</param>
    /// <param name="recomputeLayers">Repeated bodies save their carried inputs only, and are computed again in the backward loop.</param>
    /// <exception cref="ArgumentException">A path names no parameter of the graph, or the loss has more than one element.</exception>
    public static DifferentiatedGraph Differentiate(Graph graph, Value loss, IReadOnlyList<string> parameterPaths, bool recomputeLayers = false)
    {
        if (!graph.Type(loss).Size.IsOne)
        {
            throw new ArgumentException($"a loss has one element, not {graph.Type(loss)}");
        }

        var parameters = parameterPaths.Select(path => FindParameter(graph, path)).ToArray();
        var builder = new GraphBuilder();
        var copy = GraphCopy.Append(builder, graph);
        var forwardNodes = builder.Count;
        var sources = new HashSet<Value>(parameters.Select(copy));
        var sweep = new ReverseSweep(builder, forwardNodes, Activity.Of(graph, v => sources.Contains(copy(v))).Select(copy), new SavePolicy(recomputeLayers));

        builder.Origin = Origin.None;
        sweep.Adjoints.Add(copy(loss), builder.Broadcast(builder.Constant(1), builder.Type(copy(loss)).Shape));
        sweep.Run();

        builder.Origin = Origin.None;
        var gradients = parameterPaths
            .Select((path, i) => new ParameterGradient(path, sweep.Adjoints.TotalOrZero(copy(parameters[i]))))
            .ToEquatableArray();
        foreach (var (parameter, gradient) in parameters.Zip(gradients, (p, g) => (p, g)))
        {
            sweep.NameGradient(gradient.Gradient, graph.Nodes[parameter.Node]);
        }

        var outputs = graph.Outputs.Select(copy).Concat(gradients.Select(g => g.Gradient));
        return new(builder.Build(outputs), forwardNodes, gradients);
    }

    private static Value FindParameter(Graph graph, string path)
    {
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            if (graph.Nodes[i].Operation is Parameter p && p.Path == path)
            {
                return new(i);
            }
        }

        throw new ArgumentException($"the graph has no parameter '{path}'");
    }
}
