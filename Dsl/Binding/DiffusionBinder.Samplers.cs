using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary><c>sampler dpm++2m(steps: 12);</c> or <c>sampler order 2 multistep in lambda eta 0.5 steps 12 churn(40) correct langevin(0.16);</c></summary>
internal sealed partial class DiffusionBinder
{
    private const int DefaultSteps = 18;

    private List<BoundSampler> Samplers(IEnumerable<DirectiveSyntax> lines)
    {
        var samplers = new List<BoundSampler>();
        foreach (var line in lines)
        {
            if (Sampler(line) is not { } sampler)
            {
                continue;
            }

            if (samplers.Any(s => s.Name == sampler.Name))
            {
                Fail(line.Values[0].Span, $"there is a sampler `{sampler.Name}` already");
            }

            samplers.Add(sampler);
        }

        return samplers.Count > 0 || _hasFailed ? samplers : [new("dpm++2m", DefaultSteps, SamplerRule.ByName["dpm++2m"], [], [])];
    }

    private BoundSampler? Sampler(DirectiveSyntax line)
    {
        var first = line.Values[0];
        var (name, arguments) = Applied(first);
        double? steps = null, eta = null;
        EquatableArray<double> churn = [], corrector = name == "pc" ? [0.16, 1] : [];
        int? order = null;
        bool? isSinglestep = null, isInSigma = null;
        var values = line.Values.Skip(1).ToList();
        if (name == "order")
        {
            if (arguments.Count != 1 || Number(arguments[0].Value, "an order") is not { } given || !Within(given, first.Span, "an order", 1, 4))
            {
                return null;
            }

            order = (int)given;
        }
        else if (!SamplerRule.ByName.ContainsKey(name))
        {
            Fail(first.Span, $"{_source.Quote(first.Span)} is no sampler; there are {string.Join(", ", SamplerRule.ByName.Keys)}, and `order`{Suggestion.Hint(name, SamplerRule.ByName.Keys)}");
            return null;
        }
        else
        {
            foreach (var argument in arguments)
            {
                if (argument.Name?.Text is not ("steps" or "eta"))
                {
                    Fail(argument.Span, $"`{name}` takes `steps` and `eta`, by name");
                    return null;
                }

                values.Add(new CallSyntax(new NameSyntax(argument.Name.Text, argument.Name.Span), [argument with { Name = null }], argument.Span));
            }
        }

        for (var i = 0; i < values.Count; i++)
        {
            var (word, inner) = Applied(values[i]);
            switch (word)
            {
                case "steps" when steps is null:
                    steps = Numbers(values[i], ("steps", double.NaN))?[0];
                    if (steps is { } count && (!Within(count, values[i].Span, "the number of steps", 1, MostSteps) || !IsWhole(count, values[i].Span)))
                    {
                        return null;
                    }

                    break;
                case "eta" when eta is null:
                    eta = Numbers(values[i], ("eta", double.NaN))?[0];
                    if (eta is { } share && !Within(share, values[i].Span, "eta", 0, 1))
                    {
                        return null;
                    }

                    break;
                case "multistep" or "singlestep" when order is not null && isSinglestep is null && inner.Count == 0:
                    isSinglestep = word == "singlestep";
                    break;
                case "in" when order is not null && isInSigma is null && i + 1 < values.Count && values[i + 1] is NameSyntax { Text: "lambda" or "sigma" } variable:
                    isInSigma = variable.Text == "sigma";
                    i++;
                    break;
                case "churn" when churn.Count == 0:
                    if (Numbers(values[i], ("amount", double.NaN), ("from", 0), ("to", double.MaxValue), ("scale", 1)) is not { } added
                        || !added.All(n => Within(n, values[i].Span, "each number of churn", 0, double.MaxValue)))
                    {
                        return null;
                    }

                    churn = added.ToEquatableArray();
                    break;
                case "correct" when i + 1 < values.Count && Applied(values[i + 1]).Word == "langevin":
                    i++;
                    if (Numbers(values[i], ("snr", double.NaN), ("steps", 1)) is not { } correction
                        || !Within(correction[0], values[i].Span, "the signal-to-noise ratio", 0, double.MaxValue, isOpen: true)
                        || !Within(correction[1], values[i].Span, "the number of corrections", 1, MostSteps) || !IsWhole(correction[1], values[i].Span))
                    {
                        return null;
                    }

                    corrector = correction.ToEquatableArray();
                    break;
                default:
                    Fail(values[i].Span, $"{_source.Quote(values[i].Span)} says nothing about a sampler here; there are steps, eta, churn, correct langevin"
                        + (order is null ? "" : ", multistep, singlestep, in lambda, in sigma") + ", each once");
                    return null;
            }

            if (_hasFailed)
            {
                return null;
            }
        }

        var problem = "";
        var rule = order is { } o ? SamplerRule.OfOrder(o, isSinglestep ?? false, isInSigma ?? false, out problem) : SamplerRule.ByName[name];
        if (rule is null)
        {
            Fail(line.Span, problem);
            return null;
        }

        if (!rule.TakesNoise && (churn.Count > 0 || corrector.Count > 0))
        {
            Fail(line.Span, $"`{name}` compares a step with what it came from: it takes neither `churn` nor `correct`");
            return null;
        }

        if (eta is { } noise)
        {
            if ((noise > 0 && !rule.TakesEta) || (rule.LargeVariance && noise != 1))
            {
                Fail(line.Span, rule.LargeVariance ? "the large variance belongs to eta 1" : $"`{(order is null ? name : "order")}` has no form with eta{(rule.TakesNoise ? "; use churn for noise" : "")}");
                return null;
            }

            rule = rule with { Eta = noise };
        }

        var called = order is null ? name : $"order{order}" + (order == 1 ? "" : isSinglestep == true ? "_singlestep" : "_multistep") + (isInSigma == true ? "_sigma" : "");
        return new(called, (int)(steps ?? DefaultSteps), rule, churn, corrector);
    }

    private bool IsWhole(double value, Span span)
    {
        if (value == Math.Floor(value))
        {
            return true;
        }

        Fail(span, $"{_source.Quote(span)} must be a whole number");
        return false;
    }
}
