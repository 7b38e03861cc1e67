using Mdl.Dsl;
using Mdl.Generators.Inputs;
using Microsoft.CodeAnalysis;

namespace Mdl.Generators.Reporting;

/// <summary>
/// Severities of single files. Roslyn honours .globalconfig and NoWarn for additional files but not the sections of an .editorconfig, so the
/// generator reads keys of its own there.
/// </summary>
internal static class Severities
{
    /// <summary>The severity to report with, or null for not at all. An error stays one: nothing was generated for what it is about.</summary>
    public static DiagnosticSeverity? Effective(LocatedDiagnostic diagnostic, FilePlace? place)
    {
        var own = ToRoslyn(diagnostic.Severity);
        var wanted = place?.Severities.FirstOrDefault(severity => severity.Id == diagnostic.Id)?.Value;
        return own == DiagnosticSeverity.Error
            ? own
            : wanted switch
            {
                "none" or "silent" => null,
                "info" or "suggestion" => DiagnosticSeverity.Info,
                "warning" => DiagnosticSeverity.Warning,
                "error" => DiagnosticSeverity.Error,
                _ => own,
            };
    }

    public static DiagnosticSeverity ToRoslyn(Severity severity) => severity switch
    {
        Severity.Error => DiagnosticSeverity.Error,
        Severity.Warning => DiagnosticSeverity.Warning,
        _ => DiagnosticSeverity.Info,
    };
}
