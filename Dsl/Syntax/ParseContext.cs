using Sprache;

namespace Mdl.Dsl.Syntax;

/// <summary>What the parsers of one file share: its tokens, its diagnostics, and how deep they are nested.</summary>
internal sealed class ParseContext
{
    /// <summary>Deepest nesting of expressions and statements. People stay below 20; what follows recurses over the tree on stacks of 1 MB.</summary>
    public const int MaximumDepth = 200;

    private readonly DiagnosticBag _diagnostics;
    private readonly CancellationToken _cancellation;
    private readonly TokenInput[] _inputs;

    public ParseContext(SourceText source, Token[] tokens, DiagnosticBag diagnostics, CancellationToken cancellation)
    {
        Source = source;
        Tokens = tokens;
        _diagnostics = diagnostics;
        _cancellation = cancellation;
        _inputs = new TokenInput[tokens.Length];
        for (var i = 0; i < tokens.Length; i++)
        {
            _inputs[i] = new(this, i);
        }
    }

    public SourceText Source { get; }

    public Token[] Tokens { get; }

    public IDictionary<object, object> Memos { get; } = new Dictionary<object, object>();

    public int Depth { get; set; }

    /// <summary>Names of declarations that had to be left out.</summary>
    public List<string> Skipped { get; } = [];

    public TokenInput At(int index)
    {
        _cancellation.ThrowIfCancellationRequested();
        return _inputs[Math.Min(Math.Max(index, 0), _inputs.Length - 1)];
    }

    public void Report(string id, Span span, string message) => _diagnostics.Report(id, span, message);

    /// <summary>Reports why a parser failed. Its message is the id of the diagnostic, its expectation what should have stood there.</summary>
    public void Report<T>(IResult<T> failure)
    {
        var place = (TokenInput)failure.Remainder;
        var expected = string.Join(" or ", failure.Expectations);
        if (place.Kind == TokenKind.Unknown)
        {
            return; // The scanner has said it.
        }

        Report(
            failure.Message,
            place.Token.Span,
            failure.Message == DiagnosticIds.UnexpectedToken ? $"expected {expected}, found {Describe(place.Token)}" : expected);
    }

    public static string Describe(Token token) => token.Kind switch
    {
        TokenKind.EndOfFile => "the end of the file",
        TokenKind.String => $"the string \"{Scanner.Printable(token.Text)}\"",
        _ => $"'{Scanner.Printable(token.Text)}'",
    };
}
