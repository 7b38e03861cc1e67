using System.Collections.Immutable;
using Mdl.Dsl;
using Microsoft.CodeAnalysis;

namespace Mdl.Generators.Reporting;

/// <summary>All diagnostics as Roslyn knows them: the table of the language and the generator's own.</summary>
internal static class Descriptors
{
    public static ImmutableArray<DiagnosticDescriptor> All { get; } =
    [
        .. DiagnosticIds.All.Select(kind => new DiagnosticDescriptor(
            kind.Id, kind.Title, "{0}", kind.Category, DiagnosticSeverity.Error, isEnabledByDefault: true, helpLinkUri: HelpLink(kind.Id))),
        GeneratorDiagnostics.Unreadable,
        GeneratorDiagnostics.Unsafe,
        GeneratorDiagnostics.Language,
        GeneratorDiagnostics.ClassClash,
    ];

    public static DiagnosticDescriptor Find(string id) => All.FirstOrDefault(descriptor => descriptor.Id == id)
        ?? throw new ArgumentException($"the diagnostic {id} is not in the table of ids", nameof(id));

    /// <summary>The page of a diagnostic.</summary>
    public static string HelpLink(string id) => "docs/diagnostics.md#" + id.ToLowerInvariant();
}
