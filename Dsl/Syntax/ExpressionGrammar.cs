using Sprache;
using static Mdl.Dsl.Syntax.Combinators;
using static Mdl.Dsl.Syntax.Terminals;

namespace Mdl.Dsl.Syntax;

/// <summary>Expressions, from the loosest binding to the tightest.</summary>
internal static class ExpressionGrammar
{
    private const string AnExpression = "an expression";

    private static readonly TokenKind[] Comparisons =
        [TokenKind.Less, TokenKind.LessOrEqual, TokenKind.Greater, TokenKind.GreaterOrEqual, TokenKind.EqualEqual];

    private static readonly Parser<Operand> Any = Nested(() => Comparison!).Unless(operand => operand.IsTooTall);

    public static Parser<ExpressionSyntax> Expression { get; } = Any.Select(operand => operand.Node);

    private static readonly Parser<EquatableArray<Operand>> Several = Any.SeparatedByCommas();

    // Primary expressions

    private static readonly Parser<Operand> Number = NumberLiteral.Select(Operand.Leaf);

    private static readonly Parser<Operand> Text = StringLiteral.Select(token => Operand.Leaf(new StringSyntax(token.Text, token.Span)));

    private static readonly Parser<Operand> Ellipsis = Symbol(TokenKind.Ellipsis, "'..'").Select(token => Operand.Leaf(new EllipsisSyntax(token.Span)));

    private static readonly Parser<Operand> Variable = Identifier.Select(name => Operand.Leaf(new NameSyntax(name.Text, name.Span)));

    private static readonly Parser<Operand> AppliedName =
        from name in Identifier
        from value in NumberLiteral
        select Operand.Leaf(new AppliedNameSyntax(name, value, Span.Between(name.Span, value.Span)));

    private static readonly Parser<Operand> Parenthesized =
        from open in Symbol(TokenKind.OpenParenthesis, "'('")
        from items in Several
        from close in Symbol(TokenKind.CloseParenthesis, "')'")
        let span = Span.Between(open.Span, close.Span)
        select items.Count == 1
            ? items[0] with { Outer = span }
            : Operand.Of(new TupleSyntax(Nodes(items), span), items);

    private static readonly Parser<Operand> List =
        from open in Symbol(TokenKind.OpenBracket, "'['")
        from items in Any.NoneOrSeparatedByCommas(TokenKind.CloseBracket)
        from close in Symbol(TokenKind.CloseBracket, "']'")
        select Operand.Of(new ListSyntax(Nodes(items), Span.Between(open.Span, close.Span)), items);

    private static readonly Parser<Operand> Repeat =
        from word in Word("repeat")
        from count in Any
        from open in Symbol(TokenKind.OpenBrace, "'{' after the count of 'repeat'")
        from body in Any
        from close in Symbol(TokenKind.CloseBrace, "'}' after the body of 'repeat'")
        select Operand.Of(new RepeatSyntax(count.Node, body.Node, Span.Between(word.Span, close.Span)), [count, body]);

    private static readonly Parser<Operand> Primary = Predict(place => place.Kind switch
    {
        TokenKind.Number => Number,
        TokenKind.String => Text,
        TokenKind.Ellipsis => Ellipsis,
        TokenKind.OpenParenthesis => Parenthesized,
        TokenKind.OpenBracket => List,
        TokenKind.Name when place.Token.Is("repeat") => Repeat,
        TokenKind.Name when IsFreeName(place.Token) => place.Next.Kind == TokenKind.Number ? AppliedName : Variable,
        _ => MissingExpression(place),
    });

    // Suffixes: f(x), x[i], a.b, x'

    private static readonly Parser<(CallArgumentSyntax Argument, int Height)> NamedArgument =
        from name in Identifier
        from colon in Symbol(TokenKind.Colon, "':'")
        from value in Any
        select (new CallArgumentSyntax(name, value.Node, Span.Between(name.Span, value.Outer)), value.Height + 1);

    private static readonly Parser<(CallArgumentSyntax Argument, int Height)> PositionalArgument =
        Any.Select(value => (new CallArgumentSyntax(null, value.Node, value.Outer), value.Height + 1));

    private static readonly Parser<Func<Operand, Operand>> Call =
        from open in Symbol(TokenKind.OpenParenthesis, "'('")
        from arguments in Predict(place => place.Kind == TokenKind.Name && place.Next.Kind == TokenKind.Colon ? NamedArgument : PositionalArgument)
            .NoneOrSeparatedByCommas(TokenKind.CloseParenthesis)
        from close in Symbol(TokenKind.CloseParenthesis, "')' after the arguments")
        select new Func<Operand, Operand>(callee =>
        {
            var span = Span.Between(callee.Outer, close.Span);
            var node = new CallSyntax(callee.Node, arguments.Select(a => a.Argument).ToEquatableArray(), span);
            return new(node, span, 1 + arguments.Select(a => a.Height).Append(callee.Height).Max());
        });

    private static readonly Parser<Func<Operand, Operand>> Index =
        from open in Symbol(TokenKind.OpenBracket, "'['")
        from indices in Several
        from close in Symbol(TokenKind.CloseBracket, "']' after the indices")
        select new Func<Operand, Operand>(operand => Operand.Of(
            new IndexSyntax(operand.Node, Nodes(indices), Span.Between(operand.Outer, close.Span)), indices.Append(operand)));

    private static readonly Parser<Func<Operand, Operand>> Member =
        from dot in Symbol(TokenKind.Dot, "'.'")
        from name in AnyWord
        select new Func<Operand, Operand>(operand => Operand.Of(
            new MemberSyntax(operand.Node, name, Span.Between(operand.Outer, name.Span)), [operand]));

    private static readonly Parser<Func<Operand, Operand>> Transpose =
        from quote in Symbol(TokenKind.Quote, "\"'\"")
        select new Func<Operand, Operand>(operand => Operand.Of(
            new TransposeSyntax(operand.Node, Span.Between(operand.Outer, quote.Span)), [operand]));

    private static readonly Parser<Operand> Postfix = Primary.FollowedBy(
        place => place.Kind switch
        {
            TokenKind.OpenParenthesis => Call,
            TokenKind.OpenBracket => Index,
            TokenKind.Dot => Member,
            TokenKind.Quote => Transpose,
            _ => null,
        },
        operand => operand.IsTooTall);

    private static readonly Parser<Operand> PlusName =
        from first in Identifier
        from plus in Symbol(TokenKind.Plus, "'+'")
        from second in Symbol(TokenKind.Plus, "'+'")
        from last in Accept("the rest of the name", token => token.Kind is TokenKind.DigitWord or TokenKind.Name or TokenKind.Number)
        select Operand.Leaf(new NameSyntax($"{first.Text}++{last.Text}", Span.Between(first.Span, last.Span)));

    /// <summary>An expression, or a name with two plus signs in it, such as <c>dpm++2m(steps: 12)</c>, with or without arguments.</summary>
    public static Parser<ExpressionSyntax> SamplerExpression { get; } = Predict(place => IsPlusName(place)
        ? PlusName.FollowedBy(next => next.Kind == TokenKind.OpenParenthesis ? Call : null, operand => operand.IsTooTall).Select(operand => operand.Node)
        : Expression);

    // Without blanks: a sum has them around its signs, or only one sign.
    private static bool IsPlusName(TokenInput place) => IsFreeName(place.Token)
        && Enumerable.Range(0, 3).All(i => place.Ahead(i).Token.Span.End == place.Ahead(i + 1).Token.Span.Start)
        && place.Ahead(1).Kind == TokenKind.Plus && place.Ahead(2).Kind == TokenKind.Plus
        && place.Ahead(3).Kind is TokenKind.DigitWord or TokenKind.Name or TokenKind.Number;

    // Operators. A power binds tighter than a minus on its left and looser than one on its right: -x^-2 is -(x^(-2)).

    private static readonly Parser<Operand> Power = Postfix.FollowedBy(RightOperand(Nested(() => Unary!), TokenKind.Caret), operand => operand.IsTooTall);

    private static readonly Parser<Operand> Negated =
        from minus in Symbol(TokenKind.Minus, "'-'")
        from operand in Nested(() => Unary!)
        select Operand.Negate(minus, operand);

    private static readonly Parser<Operand> Unary = Predict(place => place.Kind == TokenKind.Minus ? Negated : Power);

    private static readonly Parser<Operand> Product = LeftAssociative(Unary, TokenKind.Star, TokenKind.Slash, TokenKind.At);

    private static readonly Parser<Operand> Sum = LeftAssociative(Product, TokenKind.Plus, TokenKind.Minus);

    private static readonly Parser<Operand> Comparison = input =>
    {
        var left = Sum(input);
        var sign = (TokenInput)left.Remainder;
        if (!left.WasSuccessful || !Comparisons.Contains(sign.Kind))
        {
            return left;
        }

        var right = Sum(sign.Next);
        var next = (TokenInput)right.Remainder;
        return !right.WasSuccessful ? right
            : Comparisons.Contains(next.Kind) ? Fail<Operand>(next, DiagnosticIds.ChainedComparison, "comparisons do not chain; use parentheses")
            : Result.Success(Operand.Binary(left.Value, sign.Token, right.Value), next);
    };

    private static Parser<Operand> LeftAssociative(Parser<Operand> operand, params TokenKind[] signs)
        => operand.FollowedBy(RightOperand(operand, signs), sum => sum.IsTooTall);

    private static Func<TokenInput, Parser<Func<Operand, Operand>>?> RightOperand(Parser<Operand> operand, params TokenKind[] signs)
    {
        var rest =
            from sign in Accept("an operator", token => signs.Contains(token.Kind))
            from right in operand
            select new Func<Operand, Operand>(left => Operand.Binary(left, sign, right));
        return place => signs.Contains(place.Kind) ? rest : null;
    }

    private static Parser<Operand> MissingExpression(TokenInput place)
        => Expected<Operand>(place.Position == 0 ? AnExpression : $"{AnExpression} after {ParseContext.Describe(place.Ahead(-1).Token)}");

    private static EquatableArray<ExpressionSyntax> Nodes(EquatableArray<Operand> operands) => operands.Select(o => o.Node).ToEquatableArray();
}
