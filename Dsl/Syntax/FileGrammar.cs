using Sprache;
using static Mdl.Dsl.Syntax.Terminals;

namespace Mdl.Dsl.Syntax;

/// <summary>A whole file: <c>module</c>, imports, declarations.</summary>
internal static class FileGrammar
{
    private static readonly Parser<Name> Module =
        from word in Word("module")
        from name in Named("the module's name")
        from rest in (from dot in Symbol(TokenKind.Dot, "'.'") from part in Named("a name after '.'") select part).Many()
        from end in Semicolon("the module's name")
        select rest.Aggregate(name, (whole, part) => new(whole.Text + "." + part.Text, Span.Between(whole.Span, part.Span)));

    private static readonly Parser<ImportSyntax> Import =
        from word in Word("import")
        from path in Accept("a path in quotes", token => token.Kind == TokenKind.String)
        from end in Semicolon("the path")
        select new ImportSyntax(path.Text, Span.Between(word.Span, end));

    public static FileSyntax Read(ParseContext context)
    {
        Name? module = null;
        var imports = new List<ImportSyntax>();
        var declarations = new List<DeclarationSyntax>();
        var place = context.At(0);
        while (place.Kind != TokenKind.EndOfFile)
        {
            if (place.Token.Is("module"))
            {
                Require(place, place.Position == 0, "'module' is the first line of a file, and there is one");
                place = Take(place, Module, name => module ??= name);
            }
            else if (place.Token.Is("import"))
            {
                Require(place, declarations.Count == 0, "'import' comes before all declarations");
                place = Take(place, Import, imports.Add);
            }
            else
            {
                place = Take(place, DeclarationGrammar.Declaration, declarations.Add);
            }
        }

        return new(module, imports.ToEquatableArray(), declarations.ToEquatableArray(), new(0, context.Source.Text.Length));
    }

    private static void Require(TokenInput place, bool isPlaced, string message)
    {
        if (!isPlaced)
        {
            place.Context.Report(DiagnosticIds.Misplaced, place.Token.Span, message);
        }
    }

    /// <summary>Reads one part of the file; where that fails, says so and moves to the next.</summary>
    private static TokenInput Take<T>(TokenInput place, Parser<T> parser, Action<T> take)
    {
        var result = parser(place);
        if (result.WasSuccessful)
        {
            take(result.Value);
            return (TokenInput)result.Remainder;
        }

        place.Context.Report(result);
        if (Recovery.IsDeclarationWord(place.Token) && place.Next.Kind is TokenKind.Name or TokenKind.DigitWord)
        {
            place.Context.Skipped.Add(place.Next.Token.Text);
        }

        return Recovery.AfterDeclaration(place, (TokenInput)result.Remainder, DeclarationGrammar.BodyOf(place.Token));
    }
}
