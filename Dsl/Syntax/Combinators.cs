using Sprache;

namespace Mdl.Dsl.Syntax;

/// <summary>
/// What the grammar needs beside Sprache's own combinators. All decide by the next tokens and never go back, so parsing takes linear time and a
/// failure is at the place where the text went wrong: Sprache's Many and Or would drop that failure, XMany would parse its last item twice.
/// </summary>
internal static class Combinators
{
    /// <summary>The parser that a look at the next tokens picks.</summary>
    public static Parser<T> Predict<T>(Func<TokenInput, Parser<T>> pick) => input => pick((TokenInput)input)(input);

    public static Parser<T> Expected<T>(string what) => input => Terminals.Unexpected<T>((TokenInput)input, what);

    /// <summary>Fails with a list of the words that may stand here, or with the one that was probably meant.</summary>
    public static Parser<T> ExpectedWord<T>(string what, IEnumerable<string> words) => input =>
    {
        var place = (TokenInput)input;
        var meant = place.Kind == TokenKind.Name ? Suggestion.Closest(place.Token.Text, words) : null;
        return Terminals.Unexpected<T>(place, meant is null ? what : $"{what} such as '{meant}'");
    };

    /// <summary>The parser if the next token starts it, else nothing.</summary>
    public static Parser<T?> OptionalAfter<T>(this Parser<T> parser, TokenKind start)
        where T : class
        => Predict(place => place.Kind == start ? parser : Parse.Return<T?>(null));

    public static Parser<EquatableArray<T>> SeparatedByCommas<T>(this Parser<T> item) => input =>
    {
        var items = new List<T>();
        while (true)
        {
            var result = item(input);
            if (!result.WasSuccessful)
            {
                return Result.Failure<EquatableArray<T>>(result.Remainder, result.Message, result.Expectations);
            }

            items.Add(result.Value);
            var next = (TokenInput)result.Remainder;
            if (next.Kind != TokenKind.Comma)
            {
                return Result.Success(items.ToEquatableArray(), next);
            }

            input = next.Next;
        }
    };

    /// <summary>Nothing before one of the closing tokens, else items between commas.</summary>
    public static Parser<EquatableArray<T>> NoneOrSeparatedByCommas<T>(this Parser<T> item, params TokenKind[] closing)
    {
        var items = item.SeparatedByCommas();
        return Predict(place => closing.Contains(place.Kind) ? Parse.Return(default(EquatableArray<T>)) : items);
    }

    /// <summary>Items up to a token that ends them.</summary>
    public static Parser<EquatableArray<T>> Until<T>(this Parser<T> item, Func<TokenInput, bool> ends) => input =>
    {
        var items = new List<T>();
        while (!ends((TokenInput)input))
        {
            var result = item(input);
            if (!result.WasSuccessful)
            {
                return Result.Failure<EquatableArray<T>>(result.Remainder, result.Message, result.Expectations);
            }

            items.Add(result.Value);
            input = result.Remainder;
        }

        return Result.Success(items.ToEquatableArray(), input);
    };

    /// <summary>Suffixes applied to what stands before them, from left to right, as long as a token starts one.</summary>
    public static Parser<T> FollowedBy<T>(this Parser<T> first, Func<TokenInput, Parser<Func<T, T>>?> suffixAt, Func<T, bool> isTooTall) => input =>
    {
        var result = first(input);
        while (result.WasSuccessful && suffixAt((TokenInput)result.Remainder) is { } suffix)
        {
            var place = (TokenInput)result.Remainder;
            var applied = suffix(place);
            if (!applied.WasSuccessful)
            {
                return Result.Failure<T>(applied.Remainder, applied.Message, applied.Expectations);
            }

            var value = applied.Value(result.Value);
            result = isTooTall(value) ? TooDeep<T>(place) : Result.Success(value, applied.Remainder);
        }

        return result;
    };

    /// <summary>Guards a recursive rule: nesting beyond <see cref="ParseContext.MaximumDepth"/>, or beyond the stack, is a failure like any other.</summary>
    public static Parser<T> Nested<T>(Func<Parser<T>> rule) => input =>
    {
        var place = (TokenInput)input;
        var context = place.Context;
        if (context.Depth >= ParseContext.MaximumDepth || !HasStack())
        {
            return TooDeep<T>(place);
        }

        context.Depth++;
        var result = rule()(input);
        context.Depth--;
        return result;
    };

    public static Parser<T> Unless<T>(this Parser<T> parser, Func<T, bool> isTooTall) => input =>
    {
        var result = parser(input);
        return result.WasSuccessful && isTooTall(result.Value) ? TooDeep<T>((TokenInput)input) : result;
    };

    private static IResult<T> TooDeep<T>(TokenInput place)
        => Terminals.Fail<T>(place, DiagnosticIds.NestedTooDeeply, $"nested more than {ParseContext.MaximumDepth} deep");

    private static bool HasStack()
    {
        try
        {
            System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
            return true;
        }
        catch (InsufficientExecutionStackException)
        {
            // .NET Standard 2.0 has no other way to ask.
            return false;
        }
    }
}
