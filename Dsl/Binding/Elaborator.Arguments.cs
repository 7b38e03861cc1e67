using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Build-time arguments of blocks and functions.</summary>
internal sealed partial class Elaborator
{
    /// <summary>The values of all arguments, defaults included; null after a diagnostic. The first positional values of a function are its inputs.</summary>
    private Dictionary<string, Entity>? Arguments(
        Declaration declaration, EquatableArray<ArgumentSyntax> declared, string[] inputs, CallSyntax call, Frame frame)
    {
        var given = new Dictionary<string, (ExpressionSyntax Value, ArgumentSyntax Declared)>(StringComparer.Ordinal);
        var errors = false;
        var position = -inputs.Length;
        foreach (var argument in call.Arguments)
        {
            ArgumentSyntax? target;
            if (argument.Name is { } name)
            {
                if (inputs.Contains(name.Text))
                {
                    continue;
                }

                target = declared.FirstOrDefault(a => a.Name.Text == name.Text);
                if (target is null)
                {
                    var hint = Suggestion.Hint(name.Text, declared.Select(a => a.Name.Text));
                    Report(frame, DiagnosticIds.UnknownArgument, name.Span, $"`{declaration.Name}` has no argument `{name}`{hint}");
                    errors = true;
                    continue;
                }
            }
            else
            {
                if (position++ < 0)
                {
                    continue;
                }

                if (position > declared.Count)
                {
                    Report(frame, DiagnosticIds.WrongArguments, argument.Span, TooMany(declaration, declared, inputs));
                    errors = true;
                    break;
                }

                target = declared[position - 1];
            }

            if (given.ContainsKey(target.Name.Text))
            {
                Report(frame, DiagnosticIds.UnknownArgument, argument.Span, $"`{target.Name}` is given twice");
                errors = true;
                continue;
            }

            given[target.Name.Text] = (argument.Value, target);
        }

        return errors ? null : Fill(declaration, declared, given, call, frame);
    }

    private static string TooMany(Declaration declaration, EquatableArray<ArgumentSyntax> declared, string[] inputs)
    {
        var arguments = declared.Count == 0 ? "no build-time arguments" : "the arguments " + string.Join(", ", declared.Select(a => a.Name.Text));
        var tensors = inputs.Length == 0 ? "" : $" after {Plural(inputs.Length, "tensor")}";
        return $"`{declaration.Name}` takes {arguments}{tensors}";
    }

    private Dictionary<string, Entity>? Fill(
        Declaration declaration,
        EquatableArray<ArgumentSyntax> declared,
        Dictionary<string, (ExpressionSyntax Value, ArgumentSyntax Declared)> given,
        CallSyntax call,
        Frame frame)
    {
        // Defaults speak of the arguments before them.
        var scope = new Frame(declaration, frame.Region, frame.Home) { Caller = frame, CallSpan = call.Span };
        var missing = new List<string>();
        foreach (var argument in declared)
        {
            if (given.TryGetValue(argument.Name.Text, out var value))
            {
                scope.Names[argument.Name.Text] = ArgumentValue(argument, value.Value, declaration, frame);
            }
            else if (argument.Default is { } fallback)
            {
                scope.Names[argument.Name.Text] = ArgumentValue(argument, fallback, declaration, scope);
            }
            else
            {
                missing.Add(argument.Name.Text);
            }
        }

        if (missing.Count > 0)
        {
            Report(frame, DiagnosticIds.MissingArgument, call.Span, $"`{declaration.Name}` needs {string.Join(", ", missing.Select(m => $"`{m}`"))}");
            return null;
        }

        return scope.Names;
    }

    private Entity ArgumentValue(ArgumentSyntax argument, ExpressionSyntax syntax, Declaration declaration, Frame frame)
    {
        if (argument.Kind == "word" && syntax is NameSyntax word && frame.Find(word.Text) is not Word)
        {
            return new Word(word.Text);
        }

        var value = Evaluate(syntax, frame);
        var wantsBlock = argument.Kind == "block";
        return value switch
        {
            Poison => value,
            Template or Instance when wantsBlock => value,
            Size or Number or Word or Series when !wantsBlock => value,
            DeclarationName => Fail(
                frame, DiagnosticIds.WrongKind, syntax.Span,
                $"{frame.Quote(syntax.Span)} wants its arguments: {frame.Quote(syntax.Span).TrimEnd('`')}(...)`"),
            _ when IsUnknown(value) => Silent(),
            Template or Instance => Fail(
                frame, DiagnosticIds.WrongKind, syntax.Span,
                $"`{argument.Name}` of `{declaration.Name}` is a number; a block is taken by `{argument.Name}: block`"),
            _ => Fail(
                frame,
                DiagnosticIds.WrongKind,
                syntax.Span,
                $"`{argument.Name}` of `{declaration.Name}` is {(wantsBlock ? "a block" : "known at build time")}, but {frame.Quote(syntax.Span)} is {value.Kind}"),
        };
    }
}
