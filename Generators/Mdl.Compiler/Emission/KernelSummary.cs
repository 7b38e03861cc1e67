using Mdl.Compiler.Planning;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Emission;

/// <summary>What a kernel computes, from which source lines, and what it costs, for the comments of generated code.</summary>
internal static class KernelSummary
{
    public static string Of(ScopePlan plan, RowKernel kernel)
    {
        var graph = plan.Graph;
        var computed = new HashSet<Value>();
        var read = new HashSet<Value>();
        foreach (var root in kernel.Roots)
        {
            plan.Fuser.Visit(root, d => read.Add(d.Value), v => computed.Add(v));
        }

        var stored = kernel.Roots.Select(r => r.Value).Distinct().ToList();
        read.ExceptWith(stored);
        var work = Sum(computed.Where(v => graph.Nodes[v.Node].Operation is Unary or Binary or Select or Reduce or CombineRows).Select(v => Widest(graph, v)));
        var bytes = (Sum(read.Select(v => graph.Type(v).Size)) + Sum(stored.Select(v => graph.Type(v).Size))) * 4;
        var places = Places(computed.Select(v => graph.Nodes[v.Node].Origin));
        var names = string.Join(", ", kernel.Roots.Select(r => graph.Nodes[r.Value.Node].Name).Where(n => n.Length > 0).Distinct(StringComparer.Ordinal));
        return $"<summary>{(names.Length > 0 ? names + (places.Length > 0 ? ", " : "") : "")}{places}. {work} operations, {bytes} bytes.</summary>";
    }

    public static string Of(Node node)
    {
        var place = Places([node.Origin]);
        return node.Operation.GetType().Name + (node.Name.Length > 0 ? " " + node.Name : "") + (place.Length > 0 ? ", " + place : "");
    }

    private static string Places(IEnumerable<Origin> origins) => string.Join("; ", origins
        .Where(o => o.Line > 0)
        .GroupBy(o => o.Path, StringComparer.Ordinal)
        .OrderBy(g => g.Key, StringComparer.Ordinal)
        .Select(g => $"{g.Key}:{string.Join(",", g.Select(o => o.Line).Distinct().OrderBy(l => l))}"));

    private static Dim Widest(Graph graph, Value value) =>
        graph.Nodes[value.Node].Operation is Reduce or CombineRows ? graph.Type(graph.Nodes[value.Node].Inputs[0]).Size : graph.Type(value).Size;

    private static Dim Sum(IEnumerable<Dim> dims) => dims.Aggregate(Dim.Zero, (a, b) => a + b);
}
