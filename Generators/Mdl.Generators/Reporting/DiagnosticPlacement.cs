using Mdl.Dsl;
using Microsoft.CodeAnalysis.Text;
using SourceText = Mdl.Dsl.SourceText;

namespace Mdl.Generators.Reporting;

/// <summary>Gives diagnostics their lines and columns, and drops those that a comment in the file suppresses.</summary>
internal static class DiagnosticPlacement
{
    public static IEnumerable<LocatedDiagnostic> Place(IEnumerable<Dsl.Diagnostic> diagnostics, IReadOnlyList<SourceText> texts)
    {
        foreach (var diagnostic in diagnostics)
        {
            _ = Descriptors.Find(diagnostic.Id);
            if (texts.FirstOrDefault(text => text.Path == diagnostic.Path) is not { } text)
            {
                // The standard library is no file of the project: its diagnostics show at the top of the file that uses it.
                yield return new(diagnostic.Id, diagnostic.Severity, $"{diagnostic.Path}: {diagnostic.Message}", texts[0].Path, default, default, default);
                continue;
            }

            var start = Math.Min(Math.Max(diagnostic.Span.Start, 0), text.Text.Length);
            var end = Math.Min(Math.Max(diagnostic.Span.End, start), text.Text.Length);
            var (line, column) = text.Locate(start);
            if (diagnostic.Severity == Severity.Error || !SuppressionComments.Suppress(text.Text, line, diagnostic.Id))
            {
                var (endLine, endColumn) = text.Locate(end);
                yield return new(
                    diagnostic.Id,
                    diagnostic.Severity,
                    diagnostic.Message,
                    diagnostic.Path,
                    new(start, end - start),
                    new(line, column),
                    new(endLine, endColumn));
            }
        }
    }
}
