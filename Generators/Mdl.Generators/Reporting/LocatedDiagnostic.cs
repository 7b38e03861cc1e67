using Mdl.Dsl;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Mdl.Generators.Reporting;

/// <summary>A diagnostic with its place in lines and columns (0-based, UTF-16), free of the text it was found in.</summary>
internal sealed record LocatedDiagnostic(string Id, Severity Severity, string Message, string Path, Span Span, LinePosition Start, LinePosition End);

/// <summary>A diagnostic ready to report: the file has its place on this machine, the severity is the one its author wants.</summary>
internal sealed record ReportedDiagnostic(LocatedDiagnostic Diagnostic, string AbsolutePath, DiagnosticSeverity Severity)
{
    public Microsoft.CodeAnalysis.Diagnostic ToRoslyn()
    {
        var descriptor = Descriptors.Find(Diagnostic.Id);
        return Microsoft.CodeAnalysis.Diagnostic.Create(
            descriptor.Id,
            descriptor.Category,
            Diagnostic.Message,
            Severity,
            Severity,
            isEnabledByDefault: true,
            warningLevel: Severity == DiagnosticSeverity.Error ? 0 : 1,
            title: descriptor.Title,
            helpLink: descriptor.HelpLinkUri,
            location: Location.Create(AbsolutePath, new(Diagnostic.Span.Start, Diagnostic.Span.Length), new(Diagnostic.Start, Diagnostic.End)),
            customTags: descriptor.CustomTags);
    }
}
