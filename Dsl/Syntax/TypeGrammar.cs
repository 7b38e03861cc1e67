using Sprache;
using static Mdl.Dsl.Syntax.Combinators;
using static Mdl.Dsl.Syntax.ExpressionGrammar;
using static Mdl.Dsl.Syntax.Terminals;

namespace Mdl.Dsl.Syntax;

/// <summary>Types of tensors, and what stands between the parentheses of a declaration.</summary>
internal static class TypeGrammar
{
    private static readonly Parser<Name?> Storage =
        from word in Word("in")
        from storage in Named("an element type after 'in'")
        select (Name?)storage;

    private static readonly Parser<Name?> OptionalStorage = Predict(place => place.Token.Is("in") ? Storage : Parse.Return<Name?>(null));

    private static readonly Parser<Token> OptionalElement = Predict(place => place.Token.Is("int") ? Word("int") : Parse.Return<Token>(default));

    public static Parser<TypeSyntax> TensorType { get; } =
        from element in OptionalElement
        from open in Symbol(TokenKind.OpenBracket, "a type like '[B, T]'")
        from shape in Expression.NoneOrSeparatedByCommas(TokenKind.CloseBracket)
        from close in Symbol(TokenKind.CloseBracket, "']' after the axes")
        from storage in OptionalStorage
        let start = element.Kind == TokenKind.Name ? element.Span : open.Span
        select new TypeSyntax(element.Text ?? "", shape, storage?.Text ?? "", Span.Between(start, storage?.Span ?? close.Span));

    private static readonly Parser<InputSyntax> Input =
        from name in Named("the name of an input")
        from colon in Symbol(TokenKind.Colon, "':' and a type after the input's name")
        from type in TensorType
        select new InputSyntax(name, type, Span.Between(name.Span, type.Span));

    private static readonly Parser<Name> Kind =
        from colon in Symbol(TokenKind.Colon, "':'")
        from kind in AnyWord
        select kind;

    private static readonly Parser<ExpressionSyntax> Default =
        from equal in Symbol(TokenKind.Equal, "'='")
        from value in Expression
        select value;

    /// <summary><c>= value</c>, or nothing.</summary>
    public static Parser<ExpressionSyntax?> OptionalValue { get; } = Default.OptionalAfter(TokenKind.Equal);

    // A default may stand in parentheses, which its own span leaves out; the argument ends where the next token's predecessor does.
    private static readonly Parser<ArgumentSyntax> Argument =
        from name in Named("the name of an argument")
        from kind in Kind.OptionalAfter(TokenKind.Colon)
        from value in OptionalValue
        from end in PreviousToken
        select new ArgumentSyntax(name, kind?.Text ?? "", value, Span.Between(name.Span, end.Span));

    private static readonly Parser<EquatableArray<ArgumentSyntax>> SomeArguments =
        from semicolon in Symbol(TokenKind.Semicolon, "';'")
        from arguments in Argument.NoneOrSeparatedByCommas(TokenKind.CloseParenthesis)
        select arguments;

    /// <summary><c>(x: [B, T]; heads, eps = 1e-6) -> [B, T]</c></summary>
    public static Parser<Signature> Signature { get; } =
        from open in Symbol(TokenKind.OpenParenthesis, "'(' after the name")
        from inputs in Input.NoneOrSeparatedByCommas(TokenKind.CloseParenthesis, TokenKind.Semicolon)
        from arguments in Predict(place => place.Kind == TokenKind.Semicolon ? SomeArguments : Parse.Return(default(EquatableArray<ArgumentSyntax>)))
        from close in Predict(place => Symbol(TokenKind.CloseParenthesis, AfterList(place)))
        from results in Predict(place => place.Kind == TokenKind.Arrow ? Results! : Parse.Return(default(EquatableArray<TypeSyntax>)))
        select new Signature(inputs, arguments, results);

    private static readonly Parser<EquatableArray<TypeSyntax>> Results =
        from arrow in Symbol(TokenKind.Arrow, "'->'")
        from types in TensorType.SeparatedByCommas()
        select types;

    private static string AfterList(TokenInput place)
        => place.Ahead(-1).Kind == TokenKind.CloseBracket ? "',', ';' or ')' after the input's type" : "',' or ')' after the argument";
}

/// <summary>The inputs, build-time arguments and results of a declaration.</summary>
internal sealed record Signature(EquatableArray<InputSyntax> Inputs, EquatableArray<ArgumentSyntax> Arguments, EquatableArray<TypeSyntax> Results);
