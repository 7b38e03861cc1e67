using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace Mdl.Generators.Reporting;

/// <summary>All diagnostics as Roslyn knows them: the table of the language and the generator's own.</summary>
internal static class Descriptors
{
    public static ImmutableArray<DiagnosticDescriptor> All { get; } =
    [
        GeneratorDiagnostics.Fault,
        GeneratorDiagnostics.Unreadable,
        GeneratorDiagnostics.Unsafe,
        GeneratorDiagnostics.Language,
    ];

    public static DiagnosticDescriptor Find(string id) => All.FirstOrDefault(descriptor => descriptor.Id == id) ?? Create(id, id, DiagnosticSeverity.Error);

    /// <summary>The page of a diagnostic.</summary>
    public static string HelpLink(string id) => "docs/diagnostics.md#" + id.ToLowerInvariant();

    private static DiagnosticDescriptor Create(string id, string title, DiagnosticSeverity severity) =>
        new(id, title, "{0}", "Mdl", severity, isEnabledByDefault: true, helpLinkUri: HelpLink(id));
}
