using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Checks the blocks of a file: names that stand twice in one head, and bodies that no preset has elaborated.</summary>
internal static class UnusedBlocks
{
    public static void Check(FileSyntax file, Source source, Session session)
    {
        foreach (var syntax in file.Declarations)
        {
            if (syntax is not (BlockSyntax or MoeSyntax))
            {
                continue;
            }

            var (inputs, arguments) = Head(syntax);
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (var name in inputs.Select(i => i.Name).Concat(arguments.Select(a => a.Name)))
            {
                if (!names.Add(name.Text))
                {
                    session.Report(DiagnosticIds.DuplicateName, source, name.Span, $"`{syntax.Name}` has `{name}` twice");
                }
            }

            foreach (var argument in arguments.Where(a => a.Kind is not ("" or "block" or "word")))
            {
                session.Report(
                    DiagnosticIds.WrongKind, source, argument.Span, $"an argument is a number, `: block` or `: word`, not `: {argument.Kind}`");
            }

            if (!session.Reached.Contains(syntax))
            {
                CheckBody(new(syntax, source), session);
            }
        }
    }

    /// <summary>What a block or moe takes.</summary>
    public static (EquatableArray<InputSyntax> Inputs, EquatableArray<ArgumentSyntax> Arguments) Head(DeclarationSyntax declaration) => declaration switch
    {
        MoeSyntax moe => (moe.Inputs, moe.Arguments),
        BlockSyntax block => (block.Inputs, block.Arguments),
        _ => throw new InvalidOperationException($"`{declaration.Name}` takes nothing"),
    };

    private static void CheckBody(Declaration declaration, Session session)
    {
        try
        {
            new Elaborator(session, isTraining: true, isGeneric: true).Check(declaration);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            session.Report(
                DiagnosticIds.InternalError, declaration.Source, declaration.Syntax.Name.Span, InternalError.Message(e, declaration.Source.Text.Path));
        }
    }
}
