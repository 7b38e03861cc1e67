using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>The lines of a diffusion, one by one.</summary>
internal sealed partial class DiffusionBinder
{
    private const int MostSteps = 1_000_000;

    private BoundProcess? Process(DirectiveSyntax line)
    {
        if (!OnlyOne(line) || OneOf(line.Values[0], "ve", "vp", "subvp", "flow") is not { } word)
        {
            return null;
        }

        var value = line.Values[0];
        switch (word)
        {
            case "flow":
                return Numbers(value) is null ? null : new("flow", []);
            case "ve":
                return Numbers(value, ("from", 0.002), ("to", 80)) is { } ends && Within(ends[0], value.Span, "the first deviation", 0, ends[1], isOpen: true)
                    ? new("ve", ends.ToEquatableArray())
                    : null;
            case "subvp":
                return Numbers(value, ("first", 0.1), ("last", 20)) is { } rates && Within(rates[0], value.Span, "the first beta", 0, rates[1], isOpen: true)
                    ? new("subvp", rates.ToEquatableArray())
                    : null;
        }

        if (value is not CallSyntax { Arguments.Count: > 0 } call)
        {
            Fail(value.Span, "`vp` needs its betas: vp(linear), vp(scaled), vp(cosine) or vp(continuous)");
            return null;
        }

        if (OneOf(call.Arguments[0].Value, "linear", "scaled", "cosine", "continuous") is not { } kind)
        {
            return null;
        }

        var rest = call with { Arguments = call.Arguments.Skip(1).ToEquatableArray() };
        (string, double)[] parameters = kind switch
        {
            "linear" => [("first", 1e-4), ("last", 0.02), ("steps", 1000)],
            "scaled" => [("first", 0.00085), ("last", 0.012), ("steps", 1000)],
            "cosine" => [("steps", 1000)],
            _ => [("first", 0.1), ("last", 20)],
        };
        if (Numbers(rest, parameters) is not { } numbers)
        {
            return null;
        }

        var most = kind == "continuous" ? double.PositiveInfinity : 1;
        return (kind == "cosine" || (Within(numbers[0], value.Span, "the first beta", 0, most, isOpen: true) && Within(numbers[1], value.Span, "the last beta", numbers[0], most)))
            && (kind == "continuous" || Within(numbers[numbers.Length - 1], value.Span, "the number of steps of a process", 2, MostSteps))
            ? new(kind, numbers.ToEquatableArray())
            : null;
    }

    private BoundScore? Score(DirectiveSyntax line)
    {
        if (!OnlyOne(line) || OneOf(line.Values[0], "kernel", "mixture", "network") is not { } word)
        {
            return null;
        }

        return word switch { "kernel" => Kernel(line.Values[0]), "mixture" => Mixture(line.Values[0]), _ => Network(line.Values[0]) };
    }

    private BoundScore? Kernel(ExpressionSyntax value)
    {
        var arguments = Applied(value).Arguments;
        if (arguments.Count == 0 || arguments[0] is not { Name: null, Value: NameSyntax data })
        {
            Fail(value.Span, "`kernel` needs a name for its data, such as `kernel(data)`");
            return null;
        }

        var (tail, weight) = ("gaussian", 1.0);
        foreach (var argument in arguments.Skip(1))
        {
            if (argument.Name?.Text != "tail")
            {
                Fail(argument.Span, "`kernel` takes its data and `tail`");
                return null;
            }

            if (OneOf(argument.Value, "gaussian", "threshold", "max", "none") is not { } kind
                || (kind == "none" ? Numbers(argument.Value) is null ? null : [1] : Numbers(argument.Value, ("weight", 1))) is not { } numbers
                || !Within(numbers[0], argument.Value.Span, "the weight of the tail", 0, double.PositiveInfinity, isOpen: true))
            {
                return null;
            }

            (tail, weight) = (kind, numbers[0]);
        }

        return new(data.Text, tail, weight, [], [], []);
    }

    private BoundScore? Mixture(ExpressionSyntax value)
    {
        EquatableArray<double>? weights = null, means = null, variances = null;
        foreach (var argument in Applied(value).Arguments)
        {
            switch (argument.Name?.Text)
            {
                case "weights":
                    weights = List(argument.Value, "`weights`");
                    break;
                case "means":
                    means = List(argument.Value, "`means`");
                    break;
                case "variances":
                    variances = List(argument.Value, "`variances`");
                    break;
                default:
                    Fail(argument.Span, "`mixture` takes `weights`, `means` and `variances`, each a list, by name");
                    return null;
            }
        }

        if (_hasFailed)
        {
            return null;
        }

        if (weights is not { } w || means is not { } m || variances is not { } v)
        {
            Fail(value.Span, "`mixture` takes `weights`, `means` and `variances`, each a list, by name");
            return null;
        }

        if (v.Count != w.Count || m.Count % w.Count != 0 || w.Any(x => !(x > 0)) || v.Any(x => !(x >= 0)))
        {
            Fail(value.Span, $"{w.Count} weights above 0 need as many variances of 0 or more, and means of one size; there are {v.Count} variances and {m.Count} coordinates");
            return null;
        }

        return new("", "none", 1, w, m, v);
    }

    private BoundStop? Stop(DirectiveSyntax line)
    {
        var value = line.Values[0];
        if (OneOf(value, "zero", "sigma", "minimax") is not { } word)
        {
            return null;
        }

        var denoises = line.Values.Count == 2 && line.Values[1] is NameSyntax { Text: "denoise" };
        if (line.Values.Count > (denoises ? 2 : 1))
        {
            Fail(line.Values[1].Span, "after where to stop only `denoise` may stand");
            return null;
        }

        if (word == "zero")
        {
            return Numbers(value) is null ? null : new("zero", 0, false);
        }

        if (Numbers(value, word == "sigma" ? ("sigma", double.NaN) : ("beta", 2)) is not { } numbers)
        {
            return null;
        }

        if (word == "minimax" && numbers[0] > 2 && !denoises)
        {
            Fail(value.Span, "no rate is promised for a smoothness above 2, where a normal kernel gains nothing, unless the last step is denoised: `stop minimax(beta: 3) denoise`");
            return null;
        }

        var what = word == "sigma" ? "the sigma to stop at" : "the smoothness beta";
        return Within(numbers[0], value.Span, what, 0, double.PositiveInfinity, isOpen: true) ? new(word, numbers[0], denoises) : null;
    }

    private BoundSchedule? Schedule(DirectiveSyntax line)
    {
        var value = line.Values[0];
        var isList = value is IndexSyntax { Operand: NameSyntax { Text: "sigmas" } };
        if (!isList && OneOf(value, "karras", "geometric", "polyexponential", "linear", "index", "shifted", "sigmas") is not { })
        {
            return null;
        }

        double? from = null, to = null;
        foreach (var end in line.Values.Skip(1))
        {
            var (word, arguments) = Applied(end);
            if (word is not ("from" or "to") || arguments.Count != 1 || (word == "from" ? from : to) is not null)
            {
                Fail(end.Span, "after the kind of a schedule stand `from` and `to` with a sigma each");
                return null;
            }

            if (Number(arguments[0].Value, $"`{word}`") is not { } sigma || !Within(sigma, end.Span, $"`{word}`", 0, double.PositiveInfinity, isOpen: true))
            {
                return null;
            }

            (from, to) = word == "from" ? (sigma, to) : (from, (double?)sigma);
        }

        if (from <= to)
        {
            Fail(line.Span, "sigmas fall: `from` must be above `to`");
            return null;
        }

        if (isList)
        {
            return Sigmas(line, (IndexSyntax)value);
        }

        var kind = Applied(value).Word;
        if (kind is "index" or "shifted" or "sigmas" && line.Values.Count > 1)
        {
            Fail(line.Values[1].Span, $"`{kind}` says itself where noise levels begin and end");
            return null;
        }

        if (kind == "sigmas")
        {
            Fail(value.Span, "`sigmas` is followed by its list: sigmas[10, 3, 1, 0]");
            return null;
        }

        if (kind == "index")
        {
            var spacing = value is CallSyntax { Arguments: { Count: 1 } one } ? OneOf(one[0].Value, "trailing", "leading", "linspace") : "trailing";
            return spacing is null ? null : new(kind, 0, spacing, null, null, []);
        }

        (string, double)[] parameters = kind switch { "karras" => [("rho", 7)], "polyexponential" => [("rho", 1)], "shifted" => [("shift", 1)], _ => [] };
        if (Numbers(value, parameters) is not { } numbers || (numbers.Length > 0 && !Within(numbers[0], value.Span, $"`{parameters[0].Item1}`", 0, double.PositiveInfinity, isOpen: true)))
        {
            return null;
        }

        return new(kind, numbers.FirstOrDefault(), "", from, to, []);
    }

    private BoundSchedule? Sigmas(DirectiveSyntax line, IndexSyntax value)
    {
        if (line.Values.Count > 1)
        {
            Fail(line.Values[1].Span, "a list of sigmas says itself where it begins and ends");
            return null;
        }

        var sigmas = new List<double>();
        foreach (var item in value.Indices)
        {
            if (Number(item, "a sigma") is not { } sigma)
            {
                return null;
            }

            if (sigma < 0 || double.IsInfinity(sigma) || (sigmas.Count > 0 && sigma >= sigmas[sigmas.Count - 1]))
            {
                Fail(item.Span, $"sigmas fall and are not negative, but {_source.Quote(item.Span)} {(sigma < 0 || sigmas.Count == 0 ? "is not such" : "is not below the one before")}");
                return null;
            }

            sigmas.Add(sigma);
        }

        if (sigmas.Count < 2)
        {
            Fail(value.Span, "a list of sigmas has at least two, for one step");
            return null;
        }

        return new("sigmas", 0, "", null, null, sigmas.ToEquatableArray());
    }
}
