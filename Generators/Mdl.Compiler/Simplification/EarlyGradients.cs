using Mdl.Compiler.Differentiation;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Simplification;

/// <summary>
/// A cross-entropy whose gradient is known before it is computed, as that of a mean is, yields its gradients at once: the logits, which are never
/// stored, need not be computed a second time. What the gradient is computed from moves in front of it.
/// </summary>
internal static class EarlyGradients
{
    public static DifferentiatedGraph Move(DifferentiatedGraph differentiated)
    {
        var graph = differentiated.Graph;
        var gradients = new Dictionary<int, int>();
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            if (graph.Nodes[i] is { Operation: LinearCrossEntropyGradient } node && IsKnownBefore(graph, node))
            {
                gradients[node.Inputs[3].Node] = i;
            }
        }

        return gradients.Count == 0 ? differentiated : Rebuild(differentiated, gradients);
    }

    private static bool IsKnownBefore(Graph graph, Node gradient)
    {
        var needed = Liveness.Of(graph, [gradient.Inputs[4]]);
        return graph.Nodes[gradient.Inputs[3].Node].Operation is LinearCrossEntropy
            && !graph.Nodes.Where((node, i) => needed[i] && node.Operation is LinearCrossEntropy).Any();
    }

    private static DifferentiatedGraph Rebuild(DifferentiatedGraph differentiated, Dictionary<int, int> gradients)
    {
        var graph = differentiated.Graph;
        var builder = new GraphBuilder(graph.Nodes.Count);
        var map = new ValueMap(graph.Nodes.Count);
        var isAdded = new bool[graph.Nodes.Count];
        var forward = 0;
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            if (gradients.TryGetValue(i, out var gradient))
            {
                var known = graph.Nodes[gradient].Inputs[4];
                AddWithInputs(known.Node);
                Merge(i, gradient, known);
            }
            else if (!isAdded[i])
            {
                Add(i);
            }

            forward = i < differentiated.ForwardNodes ? builder.Count : forward;
        }

        var outputs = map.Of(graph.Outputs);
        var first = outputs.Count - differentiated.Gradients.Count;
        return new(builder.Build(outputs), forward, differentiated.Gradients.Select((g, k) => g with { Gradient = outputs[first + k] }).ToEquatableArray());

        void Add(int number)
        {
            var node = graph.Nodes[number];
            builder.Origin = node.Origin;
            map.SetAll(number, node.Types.Count, builder.Copy(node, map.Of(node.Inputs)));
            isAdded[number] = true;
        }

        void AddWithInputs(int number)
        {
            var needed = Liveness.Of(graph, [new(number)]);
            for (var i = 0; i <= number; i++)
            {
                if (needed[i] && !isAdded[i])
                {
                    Add(i);
                }
            }
        }

        void Merge(int loss, int gradient, Value known)
        {
            var node = graph.Nodes[loss];
            builder.Origin = node.Origin;
            var ofWeights = ((LinearCrossEntropyGradient)graph.Nodes[gradient].Operation).OfWeights;
            var merged = builder.AddNode(new LinearCrossEntropyWithGradient(ofWeights), map.Of(node.Inputs).Add(map[known]), node.Name);
            (isAdded[loss], isAdded[gradient]) = (true, true);
            for (var k = 0; k < 2; k++)
            {
                map.Set(loss, k, new(merged.Node, k));
            }

            for (var k = 0; k < (ofWeights ? 2 : 1); k++)
            {
                map.Set(gradient, k, new(merged.Node, k + 2));
            }
        }
    }
}
