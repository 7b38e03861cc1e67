using Mdl.Compiler.Evaluation;
using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Simplification;

/// <summary>
/// Computes at build time, in double precision, what depends on nothing but numbers: the frequencies of rotary embedding, say. A table is more exact than the
/// single precision of a kernel and costs nothing when the program runs. Plain counters and what is only moved stay as they are.
/// </summary>
internal static class ConstantTables
{
    // A table is text in the generated program.
    private const long Largest = 4096;

    public static Graph Compute(Graph graph)
    {
        var (known, computed) = Classify(graph);
        if (Array.IndexOf(computed, true) < 0 && !graph.Nodes.Any(n => n.Operation is Repeat))
        {
            return graph;
        }

        var tables = new HashSet<Value>(graph.Nodes.Where((_, i) => !known[i]).SelectMany(n => n.Inputs).Concat(graph.Outputs).Select(v => Source(graph, known, v)).Where(v => computed[v.Node]));
        var values = Evaluate(graph, known, tables);
        var builder = new GraphBuilder(graph.Nodes.Count);
        var map = new ValueMap(graph.Nodes.Count);
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            builder.Origin = node.Origin;
            var added = values.TryGetValue(new(i), out var table) ? builder.AddNode(new Table(table.Data.ToEquatableArray(), node.Types[0].Shape), [], node.Name)
                : node.Operation is Repeat repeat ? builder.AddNode(repeat with { Body = Compute(repeat.Body) }, map.Of(node.Inputs), node.Name)
                : builder.Copy(node, map.Of(node.Inputs));
            map.SetAll(i, node.Types.Count, added);
        }

        return builder.Build(map.Of(graph.Outputs));
    }

    /// <summary>Which nodes depend on numbers alone, and which of these are worth a table: arithmetic on more than one number.</summary>
    private static (bool[] Known, bool[] Computed) Classify(Graph graph)
    {
        var (known, computed) = (new bool[graph.Nodes.Count], new bool[graph.Nodes.Count]);
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            known[i] = node.Operation is Constant or Iota or Table || (node.Inputs.Count > 0 && node.Inputs.All(v => known[v.Node])
                && (node.Operation is Unary or Binary or Select or Reduce || IndexFlow.IsView(node.Operation)));
            known[i] &= node.Types.Count == 1 && node.Types[0].Element == ElementType.F32 && node.Types[0].Shape.All(d => d.IsConstant)
                && node.Types[0].Size.Constant is > 0 and <= Largest;
            computed[i] = known[i] && node.Types[0].Size.Constant > 1
                && (node.Operation is Unary or Binary or Select or Reduce || node.Inputs.Any(v => computed[v.Node]));
        }

        return (known, computed);
    }

    /// <summary>What is stretched or reshaped is smaller before.</summary>
    private static Value Source(Graph graph, bool[] known, Value value)
    {
        while (known[value.Node] && graph.Nodes[value.Node].Operation is Broadcast or Reshape)
        {
            value = graph.Nodes[value.Node].Inputs[0];
        }

        return value;
    }

    private static Dictionary<Value, NDArray> Evaluate(Graph graph, bool[] known, HashSet<Value> wanted)
    {
        var builder = new GraphBuilder(graph.Nodes.Count);
        var map = new ValueMap(graph.Nodes.Count);
        for (var i = 0; i < graph.Nodes.Count && wanted.Count > 0; i++)
        {
            if (known[i])
            {
                map.Set(i, 0, builder.Copy(graph.Nodes[i], map.Of(graph.Nodes[i].Inputs)));
            }
        }

        var values = wanted.ToArray();
        var results = Evaluator.Run(builder.Build([.. values.Select(v => map[v])]), new Dictionary<string, long>(), Nothing, Nothing);
        return values.Select((value, i) => (value, i)).ToDictionary(p => p.value, p => results[p.i]);

        static NDArray Nothing(string name) => throw new InvalidOperationException($"{name} is no number");
    }
}
