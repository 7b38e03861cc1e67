using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>The settings of a train declaration and where it stands.</summary>
internal sealed record BoundTrain(string Model, TrainSettings Settings, Source Source);

/// <summary><c>train Pretrain of Ling { ... }</c></summary>
internal sealed class TrainBinder(Source source, Session session)
{
    private static readonly string[] Directives = ["objective", "optimizer", "schedule", "precision", "recompute", "freeze", "adapters"];

    private bool _isDamaged;

    /// <summary>The file's own settings, then those of imported files whose names the file does not give to the same model itself.</summary>
    public static IReadOnlyList<BoundTrain> Bind(FileSyntax file, Source source, Session session)
    {
        var binder = new TrainBinder(source, session);
        var names = new HashSet<(string, string)>();
        var all = new List<BoundTrain>();
        foreach (var train in file.Declarations.OfType<TrainSyntax>())
        {
            if (PresetBinder.FindModel(train.Model, source, session) is null)
            {
                continue;
            }

            if (!names.Add((train.Model.Text, train.Name.Text)))
            {
                session.Report(DiagnosticIds.DuplicateName, source, train.Name.Span, $"`{train.Model}` has settings `{train.Name}` already");
                continue;
            }

            all.Add(new(train.Model.Text, binder.Bind(train), source));
        }

        // What is wrong with an imported declaration is told where its own file is bound.
        var aside = session.Fork();
        foreach (var (train, from) in session.ImportedTrains)
        {
            if (PresetBinder.FindModel(train.Model, from, aside) is not null && names.Add((train.Model.Text, train.Name.Text)))
            {
                all.Add(new(train.Model.Text, new TrainBinder(from, aside).Bind(train), from));
            }
        }

        return all;
    }

    private TrainSettings Bind(TrainSyntax train)
    {
        _isDamaged = source.HasErrorIn(train.Span);
        var settings = TrainSettings.Default with { Name = train.Name.Text };
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var directive in train.Directives)
        {
            var word = directive.Name.Text;
            if (!Directives.Contains(word))
            {
                Fail(directive.Name.Span, $"`train` has no setting `{word}`{Suggestion.Hint(word, Directives)}");
            }
            else if (!seen.Add(word))
            {
                Fail(directive.Name.Span, $"`{word}` is given twice");
            }
            else if (directive.Values.Count != 1)
            {
                Fail(directive.Span, $"`{word}` takes one value");
            }
            else
            {
                settings = Apply(settings, word, directive.Values[0]);
            }
        }

        return settings;
    }

    /// <summary>The settings with one more line.</summary>
    public TrainSettings Apply(TrainSettings settings, string word, ExpressionSyntax value) => word switch
    {
        "optimizer" => Optimizer(settings, value),
        "schedule" => Schedule(settings, value),
        "precision" => OneOf(value, "f32", "bf16") is { } precision ? settings with { Precision = precision } : settings,
        "recompute" => OneOf(value, "layers", "none") is { } what ? settings with { RecomputeLayers = what == "layers" } : settings,
        "freeze" => settings with { Frozen = Patterns(value) },
        "adapters" => Adapters(settings, value),
        _ => Objective(settings, value),
    };

    private TrainSettings Objective(TrainSettings settings, ExpressionSyntax value)
    {
        if (value is not CallSyntax { Callee: NameSyntax { Text: "next_token" } } call)
        {
            OneOf(value, "next_token");
            return settings;
        }

        foreach (var argument in call.Arguments)
        {
            var numbers = new List<(string, double Value, Span Span)>();
            if (argument is { Name: null, Value: NameSyntax { Text: "masked" } })
            {
                settings = settings with { IsMasked = true };
            }
            else if (argument.Name?.Text == "mtp")
            {
                AddNumber("mtp", argument.Value, numbers);
                settings = numbers.Aggregate(settings, (s, n) => s with { MtpWeight = Within(n.Value, n.Span, "the weight of mtp", 0, 1e3) });
            }
            else
            {
                Fail(argument.Span, $"`next_token` takes `masked` and `mtp: weight`, not {source.Quote(argument.Span)}");
            }
        }

        return settings;
    }

    private TrainSettings Adapters(TrainSettings settings, ExpressionSyntax value)
    {
        var of = value is CallSyntax call ? call.Arguments.FirstOrDefault(a => a.Name?.Text == "of") : null;
        var numbers = value is CallSyntax whole ? whole with { Arguments = whole.Arguments.Where(a => !ReferenceEquals(a, of)).ToEquatableArray() } : value;
        var (rank, alpha) = (0, double.NaN);
        foreach (var (name, number, span) in Call(numbers, ["lora"], _ => ["rank", "alpha", "of"]))
        {
            if (name == "rank")
            {
                rank = (int)Within(Math.Floor(number), span, "the rank of adapters", 1, 1 << 16);
            }
            else
            {
                alpha = Within(number, span, "`alpha`", 0, 1e6);
            }
        }

        if (of is null || rank == 0)
        {
            Fail(value.Span, "`adapters` takes `lora(rank: 16, alpha: 32, of: [attention.qkv, attention.out])`; `alpha` is twice the rank by default");
            return settings;
        }

        return settings with { Adapters = new(rank, double.IsNaN(alpha) ? 2 * rank : alpha, Patterns(of.Value)) };
    }

    /// <summary>Paths, one or a list.</summary>
    private EquatableArray<ParameterPattern> Patterns(ExpressionSyntax value)
    {
        var patterns = new List<ParameterPattern>();
        foreach (var item in value is ListSyntax list ? list.Items : [value])
        {
            if (PathNames.Of(item) is { } path)
            {
                patterns.Add(new(path, item.Span));
            }
            else
            {
                Fail(item.Span, $"{source.Quote(item.Span)} names no parameters; a path such as `attention.qkv` does, or a list of paths in brackets");
            }
        }

        return patterns.ToEquatableArray();
    }

    private TrainSettings Optimizer(TrainSettings settings, ExpressionSyntax value)
    {
        foreach (var (name, number, span) in Call(value, ["adamw"], _ => ["lr", "betas", "eps", "weight_decay", "clip"]))
        {
            settings = name switch
            {
                "lr" => settings with { LearningRate = Within(number, span, "the learning rate", 0, 1e3) },
                "betas.0" => settings with { Beta1 = Within(number, span, "a beta", 0, 1) },
                "betas.1" => settings with { Beta2 = Within(number, span, "a beta", 0, 1) },
                "eps" => settings with { Epsilon = Within(number, span, "`eps`", 0, 1) },
                "weight_decay" => settings with { WeightDecay = Within(number, span, "the weight decay", 0, 1e3) },
                _ => settings with { Clip = Within(number, span, "`clip`", 0, double.MaxValue) },
            };
        }

        return settings;
    }

    private TrainSettings Schedule(TrainSettings settings, ExpressionSyntax value)
    {
        var kind = value is CallSyntax { Callee: NameSyntax callee } ? callee.Text : (value as NameSyntax)?.Text;
        if (kind is "constant" or "cosine" or "wsd")
        {
            settings = settings with { Schedule = kind };
        }

        var kinds = new[] { "constant", "cosine", "wsd" };
        Func<string, string[]> parameters = k => k switch { "constant" => ["warmup"], "cosine" => ["warmup", "final"], _ => ["warmup", "decay", "final"] };
        foreach (var (name, number, span) in Call(value, kinds, parameters))
        {
            settings = name switch
            {
                "warmup" => settings with { Warmup = (int)Within(Math.Floor(number), span, "the number of warm-up steps", 0, int.MaxValue) },
                "decay" => settings with { DecayShare = Within(number, span, "`decay`, a share of all steps,", 0, 1) },
                _ => settings with { FinalRate = Within(number, span, "`final`, a share of the peak rate,", 0, 1) },
            };
        }

        return settings;
    }

    /// <summary>The named numbers of <c>adamw(lr: 1e-3, betas: (0.9, 0.95))</c>; those of a pair are "betas.0" and "betas.1".</summary>
    private List<(string Name, double Value, Span Span)> Call(ExpressionSyntax value, string[] names, Func<string, string[]> parameters)
    {
        var values = new List<(string, double, Span)>();
        var (name, arguments) = value switch
        {
            NameSyntax word => (word.Text, default),
            CallSyntax { Callee: NameSyntax callee } call => (callee.Text, call.Arguments),
            _ => ("", default(EquatableArray<CallArgumentSyntax>)),
        };
        if (!names.Contains(name))
        {
            Fail(
                value.Span,
                $"{source.Quote(value.Span)} is not known here; there {(names.Length == 1 ? "is" : "are")} {string.Join(", ", names)}{Suggestion.Hint(name, names)}");
            return values;
        }

        foreach (var argument in arguments)
        {
            var known = parameters(name);
            if (argument.Name is not { } label || !known.Contains(label.Text))
            {
                var hint = argument.Name is null ? "" : Suggestion.Hint(argument.Name.Text, known);
                Fail(argument.Span, $"`{name}` has the arguments {string.Join(", ", known)}, by name{hint}");
            }
            else if (label.Text == "betas")
            {
                var items = argument.Value is TupleSyntax tuple ? tuple.Items : argument.Value is ListSyntax list ? list.Items : [];
                if (items.Count != 2)
                {
                    Fail(argument.Value.Span, "`betas` is a pair, such as (0.9, 0.95)");
                    continue;
                }

                for (var i = 0; i < 2; i++)
                {
                    AddNumber(FormattableString.Invariant($"betas.{i}"), items[i], values);
                }
            }
            else
            {
                AddNumber(label.Text, argument.Value, values);
            }
        }

        return values;
    }

    private void AddNumber(string name, ExpressionSyntax syntax, List<(string, double, Span)> values)
    {
        var region = new Region(null, 0, 0);
        var frame = new Frame(new(new TrainSyntax(new("train", syntax.Span), new("", syntax.Span), [], "", syntax.Span), source), region, new(region, ""));
        if (new Elaborator(session, isTraining: false).NumberOf(syntax, frame, $"`{name}`") is { } number)
        {
            values.Add((name, number, syntax.Span));
        }
    }

    private double Within(double value, Span span, string what, double least, double most)
    {
        if (value < least || value > most)
        {
            var range = FormattableString.Invariant($"between {least} and {most}");
            Fail(span, $"{what} is {(most == double.MaxValue ? "not negative" : range)}, but {source.Quote(span)} is not");
            return least;
        }

        return value;
    }

    private string? OneOf(ExpressionSyntax value, params string[] words)
    {
        if (value is NameSyntax name && words.Contains(name.Text))
        {
            return name.Text;
        }

        var hint = value is NameSyntax unknown ? Suggestion.Hint(unknown.Text, words) : "";
        Fail(
            value.Span, $"{source.Quote(value.Span)} is not known here; there {(words.Length == 1 ? "is" : "are")} {string.Join(", ", words)}{hint}");
        return null;
    }

    private void Fail(Span span, string message)
    {
        // A setting that could not be read has its syntax error already.
        if (!_isDamaged)
        {
            session.Report(DiagnosticIds.TrainSetting, source, span, message);
        }
    }
}
