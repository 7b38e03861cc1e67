using System.Text;
using Mdl.Compiler.Planning;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Emission;

/// <summary>What a launch computes, from which source lines, and what it costs.</summary>
/// <param name="Name">The kernel, or the name that the source gives the result.</param>
/// <param name="Operation">"Rows" for a fused kernel, else the operation that the runtime computes.</param>
/// <param name="Source">File and lines.</param>
internal sealed record KernelSummary(string Name, string Operation, string Source, LaunchCost Cost)
{
    public const string Rows = "Rows";

    /// <summary>The place in the user's files that stands for the launch, if it has one.</summary>
    public Origin Place { get; init; } = Origin.None;

    /// <summary>For the comments of generated code.</summary>
    public string Comment => (Operation == Rows ? "" : Operation + " ") + Name + (Source.Length > 0 ? ", " + Source : "");

    /// <summary>A launch: operations that the runtime computes, a row kernel, or operations and the row kernels that run with them.</summary>
    public static KernelSummary Of(ScopePlan plan, IReadOnlyList<int> nodes, IReadOnlyList<RowKernel> kernels, KernelCosts costs)
    {
        var graph = plan.Graph;
        var origins = new List<Origin>();
        foreach (var node in nodes.Select(n => graph.Nodes[n]))
        {
            origins.Add(node.Origin);
            origins.AddRange(node.Inputs.Select((_, i) => plan.Fuser.GatheredInput(node, i)).Where(g => g is not null).Select(g => g!.Origin));
        }

        foreach (var kernel in kernels)
        {
            foreach (var root in kernel.Roots)
            {
                if (root.Kind == RootKind.Select)
                {
                    origins.Add(graph.Nodes[root.Value.Node].Origin);
                }

                foreach (var value in plan.Fuser.Computed(root))
                {
                    origins.Add(graph.Nodes[value.Node].Origin);
                }
            }
        }

        var operations = nodes.Select(n => graph.Nodes[n].Operation.GetType().Name).Distinct(StringComparer.Ordinal).ToList();
        var names = nodes.Select(n => ValueNames.Of(graph, new(n))).Concat(kernels.Select(k => k.Name)).Where(n => n.Length > 0).Distinct(StringComparer.Ordinal);
        return new(string.Join(", ", names), operations.Count == 0 ? Rows : string.Join(", ", operations), Places(origins), costs.Of(nodes, kernels))
        {
            Place = PlaceOf(nodes.Select(n => graph.Nodes[n].Origin).Concat(kernels.SelectMany(k => k.Roots).Select(r => graph.Nodes[r.Value.Node].Origin)).Concat(origins)),
        };
    }

    // The standard library is no file of the project: nobody could open it.
    private static Origin PlaceOf(IEnumerable<Origin> origins) =>
        origins.FirstOrDefault(o => o.Line > 0 && !StandardLibrary.Contains(o.Path)) ?? Origin.None;

    public static KernelSummary Of(CopyStep copy) =>
        new(copy.Target.Pointer.TrimStart('_'), "Copy", "", new(Dim.Zero, copy.Size * 8, copy.Size * 8));

    /// <summary>An operation by its name and place, for messages.</summary>
    public static string Of(Node node)
    {
        var place = Places([node.Origin]);
        return node.Operation.GetType().Name + (node.Name.Length > 0 ? " " + node.Name : "") + (place.Length > 0 ? ", " + place : "");
    }

    /// <summary>The documentation comment of a fused kernel.</summary>
    public static string Document(ScopePlan plan, RowKernel kernel, KernelSummary summary)
    {
        var names = string.Join(", ", kernel.Roots.Select(r => plan.Graph.Nodes[r.Value.Node].Name).Where(n => n.Length > 0).Distinct(StringComparer.Ordinal));
        var separator = names.Length > 0 && summary.Source.Length > 0 ? ", " : "";
        return $"<summary>{names}{separator}{summary.Source}. {summary.Cost.Flops} operations, {summary.Cost.Bytes} bytes.</summary>";
    }

    /// <summary>Path and lines of each file, in order: <c>ling.mdl:12,14; layers.mdl:3</c>.</summary>
    private static string Places(List<Origin> origins)
    {
        origins.Sort((a, b) => string.CompareOrdinal(a.Path, b.Path) is var order and not 0 ? order : a.Line.CompareTo(b.Line));
        var text = new StringBuilder();
        Origin? before = null;
        foreach (var origin in origins)
        {
            if (origin.Line == 0 || (before?.Line == origin.Line && before.Path == origin.Path))
            {
                continue;
            }

            if (before?.Path == origin.Path)
            {
                text.Append(',');
            }
            else
            {
                text.Append(before is null ? "" : "; ").Append(origin.Path).Append(':');
            }

            text.Append(origin.Line);
            before = origin;
        }

        return text.ToString();
    }
}
