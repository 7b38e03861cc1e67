using System.Collections.Immutable;
using Mdl.Dsl;
using Mdl.Generators.Inputs;
using Microsoft.CodeAnalysis;

namespace Mdl.Generators.Reporting;

/// <summary>Gathers the diagnostics of all units: a mistake in an imported file is found by each of its importers and told once.</summary>
internal static class DiagnosticList
{
    /// <summary>What the generator reports: nothing where the analyzer does.</summary>
    public static EquatableArray<ReportedDiagnostic> Create(
        ImmutableArray<EquatableArray<LocatedDiagnostic>> units, ImmutableArray<FilePlace> places, ProjectOptions options) =>
        options.LiveDiagnostics ? [] : Create(units.SelectMany(unit => unit), places);

    public static EquatableArray<ReportedDiagnostic> Create(IEnumerable<LocatedDiagnostic> diagnostics, IReadOnlyList<FilePlace> places) =>
        diagnostics
            .Distinct()
            .OrderBy(diagnostic => diagnostic.Path, StringComparer.Ordinal)
            .ThenBy(diagnostic => diagnostic.Span.Start)
            .ThenBy(diagnostic => diagnostic.Id, StringComparer.Ordinal)
            .ThenBy(diagnostic => diagnostic.Message, StringComparer.Ordinal)
            .Select(diagnostic => Report(diagnostic, places.FirstOrDefault(place => place.Path == diagnostic.Path)))
            .OfType<ReportedDiagnostic>()
            .ToEquatableArray();

    private static ReportedDiagnostic? Report(LocatedDiagnostic diagnostic, FilePlace? place) =>
        Severities.Effective(diagnostic, place) is { } severity
            ? new(diagnostic, place?.AbsolutePath ?? diagnostic.Path, severity)
            : null;
}
