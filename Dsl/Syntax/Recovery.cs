using Sprache;

namespace Mdl.Dsl.Syntax;

/// <summary>What stands between braces, and the place of the closing one.</summary>
internal readonly record struct Braced<T>(EquatableArray<T> Items, Span End);

/// <summary>Where parsing goes on after an error, so that one mistake gives one diagnostic and costs one statement or declaration.</summary>
internal static class Recovery
{
    public static readonly IReadOnlyCollection<string> Declarations =
        ["block", "function", "router", "model", "moe", "preset", "checkpoint", "train", "diffusion"];

    public static readonly IReadOnlyCollection<string> Statements = ["param", "state", "let", "return", "loss", "after", "mtp"];

    /// <summary>Items in braces. An item that fails is reported and left out; the list itself fails only where its opening brace is missing.</summary>
    public static Parser<Braced<T>> Braced<T>(Parser<T> item, string context, string what)
        => from open in Terminals.OpenBrace(context)
           from items in Items(item)
           from end in Terminals.Closing(TokenKind.CloseBrace, $"'}}' at the end of {what}")
           select new Braced<T>(items, end);

    /// <summary>Items up to the closing brace, the end of the file, or what can only be the next declaration.</summary>
    private static Parser<EquatableArray<T>> Items<T>(Parser<T> item) => input =>
    {
        var items = new List<T>();
        var place = (TokenInput)input;
        while (place.Kind is not (TokenKind.CloseBrace or TokenKind.EndOfFile) && !StartsNextDeclaration(place))
        {
            var result = item(place);
            var next = (TokenInput)result.Remainder;
            if (result.WasSuccessful)
            {
                items.Add(result.Value);
            }
            else
            {
                place.Context.Report(result);
                next = AfterStatement(place, next);
            }

            place = next.Position == place.Position ? place.Next : next;
        }

        return Result.Success(items.ToEquatableArray(), place);
    };

    /// <summary>A keyword, the name of what it declares, and '(' or 'of'. A router inside a moe looks the same.</summary>
    public static bool StartsDeclaration(TokenInput place)
        => place.Kind == TokenKind.Name
        && Declarations.Contains(place.Token.Text)
        && place.Next.Kind is TokenKind.Name or TokenKind.DigitWord
        && (place.Ahead(2).Kind == TokenKind.OpenParenthesis || place.Ahead(2).Token.Is("of"));

    public static bool IsDeclarationWord(Token token) => token.Kind == TokenKind.Name && Declarations.Contains(token.Text);

    /// <summary>Whether the first token of a line starts a statement, an item or a declaration, and so cannot belong to an unfinished one.</summary>
    public static bool StartsStatement(TokenInput place)
        => place.Kind == TokenKind.Name && place.Token.IsFirstOnLine
        && (StatementGrammar.Assigns(place)
            || (Statements.Contains(place.Token.Text) && place.Next.Kind == TokenKind.Name)
            || place.Token.Text == "return"
            || place.Next.Kind == TokenKind.Colon
            || StartsDeclaration(place));

    /// <summary>
    /// The first token at which a declaration may start again after one that failed. Where its body can be read, it is, for the mistakes in it.
    /// </summary>
    public static TokenInput AfterDeclaration<T>(TokenInput start, TokenInput failed, Parser<T>? body)
    {
        var depth = 0;
        for (var place = failed; ; place = place.Next)
        {
            switch (place.Kind)
            {
                case TokenKind.EndOfFile:
                    return place;
                case TokenKind.Name when place.Position > start.Position && depth == 0
                    && (StartsDeclaration(place) || (place.Token.IsFirstOnLine && (place.Token.Is("import") || IsDeclarationWord(place.Token)))):
                case TokenKind.Name when place.Position > start.Position && place.Token.IsFirstOnLine && StartsNextDeclaration(place):
                    return place;
                case TokenKind.OpenBrace when depth == 0 && body is not null:
                    return (TokenInput)body(place).Remainder;
                case TokenKind.OpenBrace:
                    depth++;
                    break;
                case TokenKind.CloseBrace when --depth <= 0:
                    return place.Next;
            }
        }
    }

    private static bool StartsNextDeclaration(TokenInput place) => StartsDeclaration(place) && !place.Token.Is("router");

    /// <summary>
    /// The first token after a statement that failed: after its ';' or its closing brace, at the brace that closes what it stands in, or where the next
    /// line starts a statement.
    /// </summary>
    private static TokenInput AfterStatement(TokenInput start, TokenInput failed)
    {
        var open = OpenBraces(start, failed);
        var depth = 0;
        for (var place = failed; ; place = place.Next)
        {
            if (place.Position > start.Position && depth == 0 && StartsStatement(place))
            {
                return place;
            }

            switch (place.Kind)
            {
                case TokenKind.EndOfFile:
                    return place;
                case TokenKind.Semicolon when depth == 0 && (open == 0 || !ClosesRepeat(place.Next)):
                    return place.Next;
                case TokenKind.OpenBrace:
                    depth++;
                    break;
                case TokenKind.CloseBrace when depth > 0:
                    depth--;
                    if (depth == 0 && open == 0 && !ContinuesExpression(place.Next))
                    {
                        return place.Next;
                    }

                    break;
                case TokenKind.CloseBrace when ClosesRepeat(place):
                    open = Math.Max(open - 1, 0);
                    break;
                case TokenKind.CloseBrace:
                    return place;
            }
        }
    }

    /// <summary>Braces that the tokens from start up to the failure open and do not close: those of <c>repeat</c>.</summary>
    private static int OpenBraces(TokenInput start, TokenInput failed)
    {
        var open = 0;
        for (var place = start; place.Position < failed.Position; place = place.Next)
        {
            open += place.Kind switch
            {
                TokenKind.OpenBrace => 1,
                TokenKind.CloseBrace => -1,
                _ => 0,
            };
        }

        return open;
    }

    /// <summary>Whether a closing brace is that of <c>repeat</c>: nothing else in braces is followed by the rest of an expression.</summary>
    private static bool ClosesRepeat(TokenInput place) => place.Kind == TokenKind.CloseBrace && ContinuesExpression(place.Next);

    private static bool ContinuesExpression(TokenInput place)
        => place.Kind is TokenKind.OpenParenthesis or TokenKind.OpenBracket or TokenKind.CloseParenthesis or TokenKind.CloseBracket or TokenKind.Semicolon
            or TokenKind.Comma or TokenKind.Dot or TokenKind.Quote or (>= TokenKind.Plus and <= TokenKind.EqualEqual);
}
