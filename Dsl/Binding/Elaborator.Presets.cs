using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>The arguments that a preset gives its model.</summary>
internal sealed partial class Elaborator
{
    /// <summary>In the order in which the model declares them; null after a diagnostic. A setting may use those before it.</summary>
    public Dictionary<string, Entity>? PresetArguments(PresetSyntax preset, Declaration model, Source source)
    {
        var declared = ((BlockSyntax)model.Syntax).Arguments;
        var region = new Region(null, 0, 0);
        var frame = new Frame(new(preset, source), region, new Home(region, ""));
        foreach (var setting in preset.Settings)
        {
            var name = setting.Name.Text;
            if (declared.FirstOrDefault(a => a.Name.Text == name) is not { } argument)
            {
                var hint = Suggestion.Hint(name, declared.Select(a => a.Name.Text));
                Report(frame, DiagnosticIds.UnknownArgument, setting.Name.Span, $"the model `{model.Name}` has no argument `{name}`{hint}");
            }
            else if (frame.Names.ContainsKey(name))
            {
                Report(frame, DiagnosticIds.UnknownArgument, setting.Name.Span, $"`{name}` is given twice");
            }
            else
            {
                frame.Names[name] = ArgumentValue(argument, setting.Value, model, frame);
            }
        }

        var arguments = new Dictionary<string, Entity>(StringComparer.Ordinal);
        var scope = new Frame(model, region, new Home(region, ""));
        var missing = new List<string>();
        foreach (var argument in declared)
        {
            if (frame.Names.TryGetValue(argument.Name.Text, out var value))
            {
                arguments[argument.Name.Text] = value;
            }
            else if (argument.Default is { } fallback)
            {
                arguments[argument.Name.Text] = ArgumentValue(argument, fallback, model, scope);
            }
            else
            {
                missing.Add(argument.Name.Text);
                continue;
            }

            scope.Names[argument.Name.Text] = arguments[argument.Name.Text];
        }

        if (missing.Count > 0)
        {
            Report(
                frame, DiagnosticIds.MissingArgument, preset.Name.Span,
                $"the preset `{preset.Name}` gives no {string.Join(", ", missing.Select(m => $"`{m}`"))}");
        }

        return Failed ? null : arguments;
    }

    /// <summary>A number outside any body, such as a learning rate; null after a diagnostic.</summary>
    public double? NumberOf(ExpressionSyntax syntax, Frame frame, string what) => RealNumber(Evaluate(syntax, frame), syntax.Span, frame, what);
}
