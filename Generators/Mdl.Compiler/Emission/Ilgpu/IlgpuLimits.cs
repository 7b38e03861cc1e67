using Mdl.Dsl;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Emission.Ilgpu;

/// <summary>What kernels of ILGPU devices cannot do; a preset that needs it has programs for the host only.</summary>
internal static class IlgpuLimits
{
    /// <summary>Floats of a head; <c>Attention.MostWidth</c> of the runtime.</summary>
    public const int HeadWidth = 512;

    /// <summary>Groups of a router; <c>Routing.MostGroups</c> of the runtime.</summary>
    public const int Groups = 64;

    /// <summary>Why the preset has no programs for ILGPU devices, or null.</summary>
    public static string? Exceeded(BoundModel model) =>
        First(model.Training.Graph) is { } limit ? $"{model.ClassName} has no programs for ILGPU devices: {limit}" : null;

    public static IEnumerable<Diagnostic> Diagnostics(BoundModel model)
    {
        if (Exceeded(model) is { } message)
        {
            yield return new(DiagnosticIds.HostOnly, Severity.Info, message, model.Origin.Path, model.NameSpan);
        }
    }

    private static string? First(Graph graph) => graph.Nodes.Select(node => node.Operation switch
    {
        Attend when Math.Max(graph.Type(node.Inputs[0]).Last.Constant, node.Types[0].Last.Constant) is var width and > HeadWidth =>
            $"a head is {width} wide, {HeadWidth} at most",
        Top { Groups: > Groups and var groups } => $"a router has {groups} groups, {Groups} at most",
        Repeat repeat => First(repeat.Body),
        _ => null,
    }).FirstOrDefault(limit => limit is not null);
}
