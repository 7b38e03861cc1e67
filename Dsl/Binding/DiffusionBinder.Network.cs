using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary><c>score network(Denoiser(width: 128), predicts: eps);</c> with its <c>train</c>, <c>condition</c> and <c>guidance</c> lines.</summary>
internal sealed partial class DiffusionBinder
{
    private static readonly string[] TrainWords = ["noise", "weight", "average", "optimizer", "schedule", "precision", "recompute"];

    private BoundScore? Network(ExpressionSyntax value)
    {
        var arguments = Applied(value).Arguments;
        if (arguments.Count == 0 || arguments[0].Name is not null)
        {
            Fail(value.Span, "`network` needs a block, such as `network(Denoiser(width: 128))`");
            return null;
        }

        string? predicts = null, precondition = null;
        var data = 0.5;
        foreach (var argument in arguments.Skip(1))
        {
            switch (argument.Name?.Text)
            {
                case "predicts" when predicts is null:
                    predicts = OneOf(argument.Value, "x0", "eps", "v", "score", "flow");
                    break;
                case "precondition" when precondition is null:
                    precondition = OneOf(argument.Value, "edm", "none");
                    if (precondition == "edm" && Numbers(argument.Value, ("data", 0.5)) is { } numbers && Within(numbers[0], argument.Value.Span, "the deviation of the data", 0, double.PositiveInfinity, isOpen: true))
                    {
                        data = numbers[0];
                    }

                    break;
                default:
                    Fail(argument.Span, "`network` takes its block, `predicts` and `precondition`, each once");
                    return null;
            }
        }

        if (precondition == "edm" && predicts is not (null or "x0"))
        {
            Fail(value.Span, $"`precondition: edm` makes the network's output a denoised point, x0, whatever the noise; it cannot be `{predicts}`");
        }

        if (_hasFailed)
        {
            return null;
        }

        var isEdm = precondition == "edm" || (precondition is null && predicts is null);
        var training = new NetworkTraining("", [], "", 5, 0.999, TrainSettings.Default with { WeightDecay = 0 });
        return new("", "none", 1, [], [], []) { Network = new([], isEdm ? "edm" : predicts ?? "x0", data, training), Block = arguments[0].Value };
    }

    /// <summary>The network with all that other lines say of it; null after a diagnostic.</summary>
    private BoundNetwork? Learned(ILookup<string, DirectiveSyntax> lines, BoundScore score, BoundProcess process)
    {
        var network = score.Network! with { Shape = _shape };
        var place = One(lines, "score")!.Values[0].Span;
        if (_shape.Any(n => n < 1))
        {
            Fail(_syntax.Inputs[0].Span, "a network needs the size of a sample at build time: each axis after the first is a number, as in `x: [N, 2]`");
        }

        if (network.Predicts == "v" && (process.Kind is "ve" or "subvp" or "flow"))
        {
            Fail(place, $"`v` has a meaning in a process that preserves variance, such as `vp(cosine)`, not in `{process.Kind}`");
        }

        if (network.Predicts == "flow" && process.Kind != "flow")
        {
            Fail(place, $"`flow` has a meaning in `process flow`, not in `{process.Kind}`");
        }

        network = Conditioned(lines, network);
        network = network with { Training = Trained(network, process) };
        return _hasFailed || _isDamaged ? null : Elaborated(network, process, score.Block!);
    }

    private BoundNetwork? Elaborated(BoundNetwork network, BoundProcess process, ExpressionSyntax block)
    {
        var declaration = new Declaration(_syntax, _source);
        var forward = new Elaborator(_session, isTraining: false).ElaborateNetwork(network, process, block, declaration);
        var learning = new Elaborator(_session, isTraining: true);
        var training = forward is null ? null : learning.ElaborateNetwork(network, process, block, declaration);
        if (forward is null || training is null)
        {
            _hasFailed = true;
            return null;
        }

        return network with
        {
            Model = new(
                _syntax.Name.Text, _syntax.Name.Text, "", _syntax.Doc, [], learning.Parameters.All.ToEquatableArray(), forward, training, 0, [network.Training.Settings],
                new Origin(_source.Text.Path, _source.Line(_syntax.Span.Start)))
            {
                NameSpan = _syntax.Name.Span,
                BlockDocs = learning.Parameters.BlockDocs.ToEquatableArray(),
            },
        };
    }

    // condition label(10, drop: 0.1); for an input label: int[N].
    private BoundNetwork Conditioned(ILookup<string, DirectiveSyntax> lines, BoundNetwork network)
    {
        var line = One(lines, "condition");
        var input = _syntax.Inputs.Count > 1 ? _syntax.Inputs[1] : null;
        if (line is null || input is null)
        {
            if (line is not null)
            {
                Fail(line.Values[0].Span, "the condition is an input of the diffusion: `(x: [N, 2], label: int[N])`");
            }

            if (input is not null)
            {
                Fail(input.Span, $"how many classes has `{input.Name}`? `condition {input.Name}(10);` says so");
            }

            return network;
        }

        if (OnlyOne(line) && OneOf(line.Values[0], input.Name.Text) is not null && Numbers(line.Values[0], ("classes", double.NaN), ("drop", 0.1)) is { } numbers
            && Within(numbers[0], line.Values[0].Span, "the number of classes", 1, 1 << 24) && IsWhole(numbers[0], line.Values[0].Span)
            && Within(numbers[1], line.Values[0].Span, "`drop`, a share of all samples,", 0, 1))
        {
            return network with { Classes = (int)numbers[0], Drop = numbers[1], Condition = input.Name.Text };
        }

        return network;
    }

    private NetworkTraining Trained(BoundNetwork network, BoundProcess process)
    {
        var isEdm = network.Predicts == "edm";
        var training = network.Training with
        {
            Noise = isEdm ? "lognormal" : "uniform",
            NoiseNumbers = isEdm ? [-1.2, 1.2] : [],
            Weight = network.Predicts,
        };
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var setting in _syntax.Items.OfType<DiffusionTrainSyntax>().SelectMany(t => t.Settings))
        {
            var word = setting.Name.Text;
            if (!TrainWords.Contains(word))
            {
                Fail(setting.Name.Span, $"`train` has no setting `{word}` here{Suggestion.Hint(word, TrainWords)}");
            }
            else if (!seen.Add(word))
            {
                Fail(setting.Name.Span, $"`{word}` is given twice");
            }
            else
            {
                training = Apply(training, word, setting.Value, process, isEdm);
            }
        }

        return training;
    }

    private NetworkTraining Apply(NetworkTraining training, string word, ExpressionSyntax value, BoundProcess process, bool isEdm)
    {
        switch (word)
        {
            case "noise":
                return Noise(training, value, process);
            case "weight":
                if (OneOf(value, isEdm ? ["edm", "x0", "eps", "v", "score", "flow", "min_snr"] : ["x0", "eps", "v", "score", "flow", "min_snr"]) is not { } weight
                    || Numbers(value, weight == "min_snr" ? [("limit", 5)] : []) is not { } limit
                    || (weight == "min_snr" && !Within(limit[0], value.Span, "the limit of min_snr", 0, double.PositiveInfinity, isOpen: true)))
                {
                    return training;
                }

                return training with { Weight = weight, WeightLimit = limit.FirstOrDefault() };
            case "average":
                return OneOf(value, "ema", "none") is not { } kind ? training
                    : kind == "none" ? training with { Average = 0 }
                    : Numbers(value, ("decay", 0.999)) is { } decay && Within(decay[0], value.Span, "the decay of the average", 0, 0.9999999) ? training with { Average = decay[0] }
                    : training;
            default:
                return training with { Settings = new TrainBinder(_source, _session).Apply(training.Settings, word, value) };
        }
    }

    private NetworkTraining Noise(NetworkTraining training, ExpressionSyntax value, BoundProcess process)
    {
        if (OneOf(value, "lognormal", "loguniform", "uniform") is not { } kind)
        {
            return training;
        }

        var (least, most) = process.Kind == "ve" && process.Numbers.Count == 2 ? (process.Numbers[0], process.Numbers[1]) : (0.002, 80);
        (string, double)[] parameters = kind switch
        {
            "lognormal" => [("mean", -1.2), ("deviation", 1.2)],
            "loguniform" => [("from", least), ("to", most)],
            _ => [],
        };
        if (Numbers(value, parameters) is not { } numbers
            || (kind == "lognormal" && !Within(numbers[1], value.Span, "the deviation", 0, 100, isOpen: true))
            || (kind == "loguniform" && !(Within(numbers[0], value.Span, "the least sigma", 0, double.PositiveInfinity, isOpen: true)
                && Within(numbers[1], value.Span, "the largest sigma", numbers[0], double.PositiveInfinity, isOpen: true))))
        {
            return training;
        }

        return training with { Noise = kind, NoiseNumbers = numbers.ToEquatableArray() };
    }

    // guidance cfg(2, from: 0.2, to: 5, rescale: 0.7);
    private BoundGuidance? Guided(ILookup<string, DirectiveSyntax> lines, BoundScore? score)
    {
        if (One(lines, "guidance") is not { } line || !OnlyOne(line) || OneOf(line.Values[0], "none", "cfg") is not { } kind || kind == "none")
        {
            return null;
        }

        var value = line.Values[0];
        if (score is { Network: null })
        {
            Fail(value.Span, "only a network with a condition can be guided; a kernel or a mixture has `guidance none`");
        }
        else if (One(lines, "condition") is null)
        {
            Fail(value.Span, "guidance needs a condition: an input such as `label: int[N]` and a line `condition label(10);`");
        }
        else if (Numbers(value, ("weight", double.NaN), ("from", 0), ("to", double.MaxValue), ("rescale", 0)) is { } numbers
            && Within(numbers[0], value.Span, "the weight of guidance", 0, double.PositiveInfinity)
            && Within(numbers[1], value.Span, "`from`", 0, double.PositiveInfinity) && Within(numbers[2], value.Span, "`to`", numbers[1], double.PositiveInfinity)
            && Within(numbers[3], value.Span, "`rescale`", 0, 1))
        {
            return new(numbers[0], numbers[1], numbers[2], numbers[3]);
        }

        return null;
    }
}
