namespace Mdl.Dsl.Syntax;

/// <summary>A file's tree with all that could be read of it, and every mistake found.</summary>
public sealed record ParseResult(FileSyntax File, EquatableArray<Diagnostic> Diagnostics)
{
    /// <summary>Names of declarations that are missing from the tree because their first line could not be read. To call them unknown would be a second error for one mistake.</summary>
    public EquatableArray<string> Skipped { get; init; }
}

/// <summary>Reads <c>.mdl</c> text. See docs/grammar.md.</summary>
public static class MdlParser
{
    /// <summary>The tree of a text, with its mistakes. Any text is accepted; only cancellation throws.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static ParseResult Parse(SourceText source, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        var diagnostics = new DiagnosticBag(source);
        var tokens = new Scanner(source, diagnostics, cancellation).Scan();
        var context = new ParseContext(source, tokens, diagnostics, cancellation);
        var file = FileGrammar.Read(context);
        return new(file, diagnostics.ToArray()) { Skipped = context.Skipped.ToEquatableArray() };
    }
}
