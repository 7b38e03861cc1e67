using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>The table of built-in functions and how their values are found.</summary>
internal sealed partial class Elaborator
{
    private static readonly Dictionary<string, Builtin> Builtins = MakeBuiltins().ToDictionary(b => b.Name, StringComparer.Ordinal);

    /// <summary>Names that a file cannot declare.</summary>
    public static IReadOnlyCollection<string> BuiltinNames => Builtins.Keys;

    private static IEnumerable<Builtin> MakeBuiltins()
    {
        yield return Elementwise("exp", UnaryFunction.Exp, Math.Exp);
        yield return Elementwise("log", UnaryFunction.Log, Math.Log);
        yield return Elementwise("sqrt", UnaryFunction.Sqrt, Math.Sqrt);
        yield return Elementwise("rsqrt", UnaryFunction.Rsqrt, x => 1 / Math.Sqrt(x));
        yield return Elementwise("sin", UnaryFunction.Sin, Math.Sin);
        yield return Elementwise("cos", UnaryFunction.Cos, Math.Cos);
        yield return Elementwise("tanh", UnaryFunction.Tanh, Math.Tanh);
        yield return Elementwise("sigmoid", UnaryFunction.Sigmoid, x => 1 / (1 + Math.Exp(-x)));
        yield return Elementwise("erf", UnaryFunction.Erf, null);
        yield return Elementwise("abs", UnaryFunction.Abs, Math.Abs);
        yield return Elementwise("sign", UnaryFunction.Sign, x => Math.Sign(x));
        yield return Elementwise("relu", UnaryFunction.Relu, x => Math.Max(x, 0));
        yield return Elementwise("floor", UnaryFunction.Floor, Math.Floor);
        yield return Elementwise("stop", UnaryFunction.StopGradient, x => x);
        yield return Elementwise("float", UnaryFunction.ToFloat, x => x);
        yield return new("sum", ["x", "axis"], 1, false, (e, c) => e.Reduction(c, (x, axes) => e.Reduce(ReduceFunction.Sum, x, axes, c.Frame)));
        yield return new("mean", ["x", "axis"], 1, false, (e, c) => e.Reduction(c, (x, axes) => e.Mean(x, axes, c.Frame)));
        yield return new("logsumexp", ["x", "axis"], 1, false, (e, c) => e.Reduction(c, (x, axes) => e.LogSumExp(x, axes, c.Frame)));
        yield return new("max", ["x", "y", "axis"], 1, false, (e, c) => e.Extreme(c, BinaryFunction.Maximum));
        yield return new("min", ["x", "y", "axis"], 1, false, (e, c) => e.Extreme(c, BinaryFunction.Minimum));
        yield return new("where", ["condition", "x", "y"], 3, false, (e, c) => e.Where(c));
        yield return new("split", ["x", "sizes", "heads", "width"], 1, false, (e, c) => e.Split(c));
        yield return new("merge", ["x"], 1, false, (e, c) => e.Merge(c));
        yield return new("concat", ["axis"], 0, true, (e, c) => e.Concatenate(c));
        yield return new("reshape", ["x", "shape"], 2, false, (e, c) => e.Reshape(c));
        yield return new("expand", ["x", "shape"], 2, false, (e, c) => e.Expand(c));
        yield return new("transpose", ["x", "order"], 2, false, (e, c) => e.TransposeAxes(c));
        yield return new("iota", ["length"], 1, false, (e, c) => e.Counter(c, n => new Iota(n)));
        yield return new("positions", ["length"], 1, false, (e, c) => e.Counter(c, n => new Positions(n)));
        yield return new("attend", ["q", "k", "v", "mask", "window", "sink", "scale"], 3, false, (e, c) => e.Attention(c));
        yield return new("top", ["count", "of", "groups", "keep", "by"], 2, false, (e, c) => e.Choose(c));
    }

    private static Builtin Elementwise(string name, UnaryFunction function, Func<double, double>? fold) =>
        new(name, ["x"], 1, false, (e, c) => e.Elementwise(c, function, fold));

    private Entity CallBuiltin(Builtin builtin, CallSyntax call, Frame frame)
    {
        var values = new ExpressionSyntax?[builtin.Parameters.Count];
        var variadic = new List<ExpressionSyntax>();
        var position = 0;
        foreach (var argument in call.Arguments)
        {
            int place;
            if (argument.Name is { } name)
            {
                place = builtin.Parameters.ToList().IndexOf(name.Text);
                if (place < 0)
                {
                    var hint = Suggestion.Hint(name.Text, builtin.Parameters);
                    return Fail(frame, DiagnosticIds.UnknownArgument, name.Span, $"`{builtin.Name}` has no argument `{name}`{hint}");
                }
            }
            else if (builtin.IsVariadic)
            {
                variadic.Add(argument.Value);
                continue;
            }
            else
            {
                place = position++;
            }

            if (place >= values.Length || values[place] is not null)
            {
                return Fail(
                    frame, DiagnosticIds.WrongArguments, argument.Span, $"`{builtin.Name}` takes {string.Join(", ", builtin.Parameters)}, each once");
            }

            values[place] = argument.Value;
        }

        var missing = builtin.Parameters.Take(builtin.Required).Where((_, i) => values[i] is null).ToArray();
        return missing.Length > 0 || (builtin.IsVariadic && variadic.Count == 0)
            ? Fail(
                frame, DiagnosticIds.MissingArgument, call.Span,
                $"`{builtin.Name}` needs {(missing.Length > 0 ? string.Join(", ", missing.Select(m => $"`{m}`")) : "values")}")
            : builtin.Apply(this, new(builtin, values, variadic.ToArray(), call, frame));
    }

    private Tensor? TensorArgument(BuiltinCall call, string parameter)
    {
        if (call[parameter] is not { } syntax || AsTensor(Evaluate(syntax, call.Frame), syntax.Span, call.Frame) is not { } x)
        {
            return null;
        }

        return x.Lead == Lead.Experts ? ToRows(x, call.Frame) : x;
    }

    /// <summary>An optional count; the fallback where it is not given, null after a diagnostic.</summary>
    private int? CountArgument(BuiltinCall call, string parameter, int fallback, int most = int.MaxValue) => call[parameter] is not { } syntax
        ? fallback
        : (int?)Count(Evaluate(syntax, call.Frame), syntax.Span, call.Frame, 1, most, $"`{parameter}` of `{call.Builtin.Name}`");

    private Series? ListArgument(BuiltinCall call, string parameter)
    {
        var syntax = call[parameter]!;
        switch (Evaluate(syntax, call.Frame))
        {
            case Series series:
                return series;
            case (Size or Number) and var single:
                return new([single]);
            case Poison:
                return null;
            case var other:
                Report(
                    call.Frame, DiagnosticIds.WrongKind, syntax.Span,
                    $"`{parameter}` of `{call.Builtin.Name}` is a list such as [2, 3], but {call.Frame.Quote(syntax.Span)} is {other.Kind}");
                return null;
        }
    }

    private EquatableArray<Dim>? SizesArgument(BuiltinCall call, string parameter)
    {
        if (ListArgument(call, parameter) is not { } list)
        {
            return null;
        }

        var syntax = call[parameter]!;
        var sizes = new List<Dim>();
        for (var i = 0; i < list.Items.Count; i++)
        {
            var span = syntax is ListSyntax items ? items.Items[i].Span : syntax.Span;
            if (AxisSize(list.Items[i], span, call.Frame, "a size") is not { } size)
            {
                return null;
            }

            sizes.Add(size);
        }

        return sizes.ToEquatableArray();
    }

    private string? WordArgument(BuiltinCall call, string parameter, string fallback, params string[] known)
    {
        if (call[parameter] is not { } syntax)
        {
            return fallback;
        }

        var text = syntax is NameSyntax name && call.Frame.Find(name.Text) is not Word ? name.Text : (Evaluate(syntax, call.Frame) as Word)?.Text;
        if (text is null || !known.Contains(text))
        {
            var hint = text is null ? "" : Suggestion.Hint(text, known);
            Report(
                call.Frame, DiagnosticIds.UnknownName, syntax.Span,
                $"`{parameter}` of `{call.Builtin.Name}` is one of {string.Join(", ", known)}{hint}");
            return null;
        }

        return text;
    }
}
