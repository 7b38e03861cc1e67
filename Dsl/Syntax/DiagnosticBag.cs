namespace Mdl.Dsl.Syntax;

/// <summary>Collects the diagnostics of one file: one per place, in the order of the text, up to a limit.</summary>
internal sealed class DiagnosticBag(SourceText source)
{
    /// <summary>A file with more errors than this is not the file its author thinks it is.</summary>
    public const int Limit = 100;

    private readonly List<Diagnostic> _diagnostics = [];
    private readonly HashSet<int> _places = [];

    /// <summary>A second diagnostic at the same place would only be a consequence of the first, and is dropped.</summary>
    public void Report(string id, Span span, string message)
    {
        if (_diagnostics.Count <= Limit && _places.Add(span.Start))
        {
            _diagnostics.Add(_diagnostics.Count == Limit
                ? new(DiagnosticIds.TooManyErrors, Severity.Error, $"more than {Limit} errors; the rest are not shown", source.Path, span)
                : new(id, Severity.Error, message, source.Path, span));
        }
    }

    public EquatableArray<Diagnostic> ToArray() => _diagnostics.OrderBy(d => d.Span.Start).ToEquatableArray();
}
