namespace Mdl.Dsl;

public enum Severity
{
    Info,
    Warning,
    Error,
}

/// <summary>A range of characters of one source text: 0-based offset and length.</summary>
public readonly record struct Span(int Start, int Length)
{
    public int End => Start + Length;

    public static Span Between(Span first, Span last) => new(first.Start, Math.Max(first.End, last.End) - first.Start);
}

/// <summary>Something to tell the author of a <c>.mdl</c> file, at a place in it. Ids are listed in <see cref="DiagnosticIds"/>.</summary>
public sealed record Diagnostic(string Id, Severity Severity, string Message, string Path, Span Span);

/// <summary>One <c>.mdl</c> text. The path is relative and uses '/', so that output does not depend on the machine.</summary>
public sealed record SourceText(string Path, string Text)
{
    /// <summary>0-based line and column (UTF-16) of an offset.</summary>
    public (int Line, int Column) Locate(int offset)
    {
        offset = Math.Min(Math.Max(offset, 0), Text.Length);
        var line = 0;
        var start = 0;
        for (var i = 0; i < offset; i++)
        {
            if (Text[i] == '\n')
            {
                line++;
                start = i + 1;
            }
        }

        return (line, offset - start);
    }
}
