using Sprache;
using static Mdl.Dsl.Syntax.Combinators;
using static Mdl.Dsl.Syntax.ExpressionGrammar;
using static Mdl.Dsl.Syntax.Terminals;
using static Mdl.Dsl.Syntax.TypeGrammar;

namespace Mdl.Dsl.Syntax;

/// <summary>Statements of blocks. All but three words are ordinary names too: <c>state = ...</c> assigns, <c>state bias: ...</c> declares.</summary>
internal static class StatementGrammar
{
    private static readonly Parser<StatementSyntax> Param =
        Held("param", "parameter", (name, type, value, doc, span) => new ParamSyntax(name, type, value, doc, span));

    private static readonly Parser<StatementSyntax> State =
        Held("state", "state", (name, type, value, doc, span) => new StateSyntax(name, type, value, doc, span));

    private static readonly Parser<StatementSyntax> Let =
        from word in Word("let")
        from name in Named("a name after 'let'")
        from equal in Symbol(TokenKind.Equal, "'=' after the name")
        from value in Expression
        from end in Semicolon("the value")
        select new LetSyntax(name, value, Span.Between(word.Span, end));

    private static readonly Parser<StatementSyntax> Assign =
        from targets in Named("a name to assign to").SeparatedByCommas()
        from sign in Accept("'=' after the name", token => token.Kind is TokenKind.Equal or TokenKind.PlusEqual)
        from value in Expression
        from end in Semicolon("the value")
        select new AssignSyntax(targets, sign.Text, value, Span.Between(targets[0].Span, end));

    private static readonly Parser<Name?> Label =
        from name in Identifier
        from equal in Symbol(TokenKind.Equal, "'='")
        select (Name?)name;

    private static readonly Parser<StatementSyntax> Return =
        from word in Word("return")
        from label in Predict(place => place.Kind == TokenKind.Name && place.Next.Kind == TokenKind.Equal ? Label : Parse.Return<Name?>(null))
        from values in Expression.SeparatedByCommas()
        from end in Semicolon("the returned value")
        select new ReturnSyntax(label, values, Span.Between(word.Span, end));

    private static readonly Parser<StatementSyntax> Loss =
        from word in Word("loss")
        from value in Expression
        from end in Semicolon("the loss")
        select new LossSyntax(value, Span.Between(word.Span, end));

    private static readonly Parser<StatementSyntax> AfterStep =
        from word in Word("after")
        from step in Word("step", "'step' after 'after'")
        from body in Nested(() => Body("after 'after step'", "'after step'"))
        select new AfterStepSyntax(body.Items, Span.Between(word.Span, body.End));

    private static readonly Parser<StatementSyntax> Mtp =
        from word in Word("mtp")
        from depthWord in Word("depth", "'depth' after 'mtp'")
        from depth in Expression
        from comma in Symbol(TokenKind.Comma, "',' and 'weight' after the depth")
        from weightWord in Word("weight", "'weight' after the depth")
        from weight in Expression
        from body in Nested(() => Body("after the weight", "'mtp'"))
        select new MtpSyntax(depth, weight, body.Items, word.Doc, Span.Between(word.Span, body.End));

    private static readonly Parser<StatementSyntax> MissingStatement = ExpectedWord<StatementSyntax>("a statement", Recovery.Statements);

    public static Parser<StatementSyntax> Statement { get; } = Predict(place => Assigns(place) ? Assign : place.Token.Text switch
    {
        _ when place.Kind != TokenKind.Name => MissingStatement,
        "param" => Param,
        "state" => State,
        "let" => Let,
        "return" => Return,
        "loss" => Loss,
        "after" => AfterStep,
        "mtp" => Mtp,
        _ when place.Next.Kind is TokenKind.Name or TokenKind.CloseBrace or TokenKind.EndOfFile => MissingStatement,
        _ => Assign,
    });

    /// <summary>Statements in braces.</summary>
    public static Parser<Braced<StatementSyntax>> Body(string context, string what)
        => Recovery.Braced(Statement, context, what);

    /// <summary>Whether a name stands before '=', '+=' or ',': then it is a target, whatever the word means elsewhere.</summary>
    public static bool Assigns(TokenInput place)
        => IsFreeName(place.Token) && place.Next.Kind is TokenKind.Equal or TokenKind.PlusEqual or TokenKind.Comma;

    /// <summary>What a block holds: a name, a type and perhaps an initial value.</summary>
    private static Parser<StatementSyntax> Held(string keyword, string what, Func<Name, TypeSyntax, ExpressionSyntax?, string, Span, StatementSyntax> make) =>
        from word in Word(keyword)
        from name in Named($"the {what}'s name")
        from colon in Symbol(TokenKind.Colon, $"':' and a type after the {what}'s name")
        from type in TensorType
        from value in OptionalValue
        from end in Semicolon(value is null ? $"the {what}'s type" : $"the {what}'s initial value")
        select make(name, type, value, word.Doc, Span.Between(word.Span, end));
}
