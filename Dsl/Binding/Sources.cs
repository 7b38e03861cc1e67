namespace Mdl.Dsl.Binding;

/// <summary>A text with its line starts, for origins and for messages that quote it.</summary>
internal sealed class Source
{
    private const int LongestQuote = 60;

    private readonly int[] _lineStarts;

    private readonly int[] _errors;

    public Source(SourceText text, bool isLibrary, IEnumerable<Diagnostic>? syntaxErrors = null)
    {
        Text = text;
        IsLibrary = isLibrary;
        _errors = (syntaxErrors ?? []).Where(d => d.Severity == Severity.Error).Select(d => d.Span.Start).ToArray();
        var starts = new List<int> { 0 };
        for (var i = 0; i < text.Text.Length; i++)
        {
            if (text.Text[i] == '\n')
            {
                starts.Add(i + 1);
            }
        }

        _lineStarts = [.. starts];
    }

    public SourceText Text { get; }

    /// <summary>The standard library: its author is not the one to be told of an error.</summary>
    public bool IsLibrary { get; }

    public bool HasErrorIn(Span span) => _errors.Any(e => e >= span.Start && e <= span.End);

    /// <summary>1-based line of an offset.</summary>
    public int Line(int offset)
    {
        var found = Array.BinarySearch(_lineStarts, offset);
        return found >= 0 ? found + 1 : ~found;
    }

    /// <summary>The source's words between backquotes, on one line and not too long.</summary>
    public string Quote(Span span)
    {
        var start = Math.Min(Math.Max(span.Start, 0), Text.Text.Length);
        var length = Math.Min(Math.Max(span.Length, 0), Text.Text.Length - start);
        var words = Text.Text.Substring(start, length).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var quote = string.Join(" ", words);
        return "`" + (quote.Length <= LongestQuote ? quote : quote.Substring(0, LongestQuote - 3) + "...") + "`";
    }
}

/// <summary>A declaration and the text it stands in.</summary>
internal sealed record Declaration(Syntax.DeclarationSyntax Syntax, Source Source)
{
    /// <summary>Part of it could not be read; what does not fit in the rest may only be a consequence.</summary>
    public bool IsDamaged { get; } = Source.HasErrorIn(Syntax.Span);

    public string Name => Syntax.Name.Text;
}
