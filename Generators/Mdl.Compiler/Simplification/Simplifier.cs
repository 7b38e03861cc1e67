using Mdl.Compiler.Differentiation;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Simplification;

/// <summary>Applies small algebra and removes dead code, also in repeated bodies, until nothing changes.</summary>
public static class Simplifier
{
    // Each round moves facts one loop boundary further; real graphs settle after three. The bound guards against rules that undo each other.
    private const int MaximalRounds = 10;

    /// <summary>Simplifies a graph; its outputs keep their number, order and types.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="isDifferentiated">No derivative will be taken any more, so that StopGradient may go.</param>
    public static Graph Run(Graph graph, bool isDifferentiated = false) => Run(new Marked(graph, 0), isDifferentiated).Graph;

    /// <summary>Simplifies a graph and its gradients; forward nodes stay first.</summary>
    public static DifferentiatedGraph Run(DifferentiatedGraph graph)
    {
        var simple = Run(new Marked(graph.Graph, graph.ForwardNodes), isDifferentiated: true);
        var first = graph.Graph.Outputs.Count - graph.Gradients.Count;
        var gradients = graph.Gradients.Select((g, i) => g with { Gradient = simple.Graph.Outputs[first + i] });
        return new(simple.Graph, simple.Mark, gradients.ToEquatableArray());
    }

    private static Marked Run(Marked graph, bool isDifferentiated)
    {
        var settled = new List<Graph>();
        for (var round = 0; round < MaximalRounds; round++)
        {
            var next = DeadCode.Remove(Algebra.Apply(graph, isDifferentiated, settled));
            if (next == graph)
            {
                break;
            }

            graph = next;
        }

        return graph;
    }
}

/// <summary>A graph whose first <paramref name="Mark"/> nodes must stay in front of the others.</summary>
internal sealed record Marked(Graph Graph, int Mark);
