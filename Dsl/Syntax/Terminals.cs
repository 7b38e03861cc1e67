using Sprache;

namespace Mdl.Dsl.Syntax;

/// <summary>Parsers of single tokens. What each says it expected is what the author will read.</summary>
internal static class Terminals
{
    /// <summary>Words that never name anything: each starts something wherever it stands.</summary>
    private static readonly HashSet<string> Reserved = ["let", "param", "return", "repeat"];

    /// <summary>A name that is free for the author to choose.</summary>
    public static Parser<Name> Identifier { get; } = Named("a name");

    /// <summary>A word of the language or a name, as in <c>objective next_token</c>.</summary>
    public static Parser<Name> AnyWord { get; } = Accept("a word", token => token.Kind == TokenKind.Name).Select(ToName);

    public static Parser<Token> StringLiteral { get; } = Accept("a string", token => token.Kind == TokenKind.String);

    public static Parser<NumberSyntax> NumberLiteral { get; } = Accept("a number", token => token.Kind == TokenKind.Number)
        .Select(token => new NumberSyntax(token.Value, token.IsInteger, token.Span));

    /// <summary>The token before this place; consumes nothing.</summary>
    public static Parser<Token> PreviousToken { get; } = input => Result.Success(((TokenInput)input).Ahead(-1).Token, input);

    public static Parser<Name> Named(string what) => Accept(what, IsFreeName).Select(ToName);

    public static bool IsFreeName(Token token) => token.Kind == TokenKind.Name && !Reserved.Contains(token.Text);

    public static Parser<Token> Symbol(TokenKind kind, string expected) => Accept(expected, token => token.Kind == kind);

    public static Parser<Token> Word(string word, string? expected = null) => Accept(expected ?? $"'{word}'", token => token.Is(word));

    public static Parser<Token> Accept(string expected, Func<Token, bool> isIt) => input =>
    {
        var place = (TokenInput)input;
        return isIt(place.Token)
            ? Result.Success(place.Token, place.Next)
            : Unexpected<Token>(place, expected);
    };

    /// <summary>
    /// A closing ';' or '}'. Where it is missing but what follows starts something new, as on the next line, it is reported and taken as given:
    /// the statement before it is whole.
    /// </summary>
    public static Parser<Span> Closing(TokenKind kind, string expected) => input =>
    {
        var place = (TokenInput)input;
        if (place.Kind == kind)
        {
            return Result.Success(place.Token.Span, place.Next);
        }

        return place.Kind is TokenKind.EndOfFile or TokenKind.CloseBrace || Recovery.StartsStatement(place) || Recovery.StartsDeclaration(place)
            ? TakenAsGiven(place, expected)
            : Unexpected<Span>(place, expected);
    };

    /// <summary>The '{' of a body, taken as given where what follows can only be the body.</summary>
    public static Parser<Span> OpenBrace(string context) => input =>
    {
        var place = (TokenInput)input;
        return place.Kind == TokenKind.OpenBrace ? Result.Success(place.Token.Span, place.Next)
            : Recovery.StartsStatement(place) && !Recovery.StartsDeclaration(place) ? TakenAsGiven(place, $"'{{' {context}")
            : Unexpected<Span>(place, $"'{{' {context}");
    };

    private static IResult<Span> TakenAsGiven(TokenInput place, string expected)
    {
        var before = place.Ahead(-1).Token.Span;
        if (expected[1] == ';')
        {
            // It belongs to the end of what it ends, most often on the line before.
            place.Context.Report(DiagnosticIds.UnexpectedToken, new(before.End, 0), "expected " + expected);
        }
        else
        {
            place.Context.Report(Unexpected<Span>(place, expected));
        }

        return Result.Success(before, place);
    }

    public static Parser<Span> Semicolon(string after) => Closing(TokenKind.Semicolon, $"';' after {after}");

    public static IResult<T> Unexpected<T>(TokenInput place, string expected) => Fail<T>(place, DiagnosticIds.UnexpectedToken, expected);

    public static IResult<T> Fail<T>(TokenInput place, string id, string message) => Result.Failure<T>(place, id, [message]);

    private static Name ToName(Token token) => new(token.Text, token.Span);
}
