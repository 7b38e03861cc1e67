using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Simplification;

/// <summary>
/// Moves what every iteration of a loop would compute alike in front of the loop, where it is dear: transcendental functions, reductions, products. The
/// cheap rest stays, because computing it again costs less than reading it.
/// </summary>
internal static class LoopInvariants
{
    public static Graph Hoist(Graph graph)
    {
        var builder = new GraphBuilder(graph.Nodes.Count);
        var map = new ValueMap(graph.Nodes.Count);
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            builder.Origin = node.Origin;
            var inputs = map.Of(node.Inputs);
            var added = node.Operation is Repeat repeat
                ? Loop(builder, repeat with { Body = Hoist(repeat.Body) }, inputs, node.Name)
                : builder.Copy(node, inputs);
            map.SetAll(i, node.Types.Count, added);
        }

        return builder.Build(map.Of(graph.Outputs));
    }

    private static Value Loop(GraphBuilder outer, Repeat repeat, EquatableArray<Value> inputs, string name)
    {
        var body = repeat.Body;
        var (invariant, dear) = Classify(repeat, inputs.Count);
        var hoisted = new SortedSet<int>();
        foreach (var value in body.Nodes.Where((_, i) => !invariant[i]).SelectMany(n => n.Inputs).Concat(body.Outputs))
        {
            // What is stretched or reshaped is smaller before.
            var source = value;
            while (invariant[source.Node] && IndexFlow.IsView(body.Nodes[source.Node].Operation) && body.Nodes[source.Node].Inputs.Count == 1)
            {
                source = body.Nodes[source.Node].Inputs[0];
            }

            if (invariant[source.Node] && dear[source.Node] && body.Nodes[source.Node].Types.Count == 1)
            {
                hoisted.Add(source.Node);
            }
        }

        if (hoisted.Count == 0)
        {
            return outer.AddNode(repeat, inputs, name);
        }

        var fixedInputs = repeat.Carried + repeat.Invariants;
        var outside = new ValueMap(body.Nodes.Count);
        for (var i = 0; i < body.Nodes.Count; i++)
        {
            if (invariant[i])
            {
                var node = body.Nodes[i];
                outer.Origin = node.Origin;
                outside.Set(i, 0, node.Operation is Input ? inputs[i] : outer.Copy(node, outside.Of(node.Inputs)));
            }
        }

        List<Value> outerInputs = [.. inputs.Take(fixedInputs), .. hoisted.Select(h => outside[new(h)]), .. inputs.Skip(fixedInputs)];
        var inner = new GraphBuilder(body.Nodes.Count);
        var map = new ValueMap(body.Nodes.Count);
        for (var i = 0; i < outerInputs.Count; i++)
        {
            var source = i < fixedInputs ? i : i < fixedInputs + hoisted.Count ? hoisted.ElementAt(i - fixedInputs) : i - hoisted.Count;
            inner.Origin = body.Nodes[source].Origin;
            map.Set(source, 0, inner.AddNode(
                new Input("#" + i.ToString(CultureInfo.InvariantCulture), body.Nodes[source].Types[0]), [], body.Nodes[source].Name));
        }

        for (var i = inputs.Count; i < body.Nodes.Count; i++)
        {
            if (!hoisted.Contains(i))
            {
                inner.Origin = body.Nodes[i].Origin;
                var added = inner.Copy(body.Nodes[i], map.Of(body.Nodes[i].Inputs));
                map.SetAll(i, body.Nodes[i].Types.Count, added);
            }
        }

        var moved = repeat with { Invariants = repeat.Invariants + hoisted.Count, Body = inner.Build(map.Of(body.Outputs)) };
        return outer.AddNode(moved, outerInputs.ToEquatableArray(), name);
    }

    /// <summary>Which nodes of a body do not change from one iteration to the next, and which of those cost more than reading their result.</summary>
    private static (bool[] Invariant, bool[] Dear) Classify(Repeat repeat, int inputs)
    {
        var nodes = repeat.Body.Nodes;
        var (invariant, dear) = (new bool[nodes.Count], new bool[nodes.Count]);
        for (var i = 0; i < nodes.Count; i++)
        {
            var operation = nodes[i].Operation;
            invariant[i] = i < inputs ? i >= repeat.Carried && i < repeat.Carried + repeat.Invariants : nodes[i].Inputs.All(v => invariant[v.Node]);
            dear[i] = i >= inputs && (operation is Reduce or Contract || IndexFlow.IsTranscendental(operation) || nodes[i].Inputs.Any(v => dear[v.Node]));
        }

        return (invariant, dear);
    }
}
