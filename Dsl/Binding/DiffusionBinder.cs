using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary><c>diffusion Moons(x: [N, d]) { ... }</c>: each line by its word, then what the lines say to each other.</summary>
internal sealed partial class DiffusionBinder
{
    private static readonly string[] Words =
        ["process", "score", "condition", "sampler", "schedule", "guidance", "stop", "train"];

    private readonly DiffusionSyntax _syntax;
    private readonly Source _source;
    private readonly Session _session;
    private readonly Frame _frame;
    private readonly bool _isDamaged;
    private bool _hasFailed;

    // The axes of a sample; 0 where the type says no number.
    private EquatableArray<long> _shape = [];

    private DiffusionBinder(DiffusionSyntax syntax, Source source, Session session)
    {
        (_syntax, _source, _session) = (syntax, source, session);
        var region = new Region(null, 0, 0);
        _frame = new Frame(new(syntax, source), region, new(region, ""));

        // A line that could not be read has its syntax error already; what then is missing is no news.
        _isDamaged = source.HasErrorIn(syntax.Span);
    }

    /// <summary>The diffusions of a file that have no error.</summary>
    public static EquatableArray<BoundDiffusion> Bind(FileSyntax file, IEnumerable<string> classes, Source source, Session session)
    {
        var names = new HashSet<string>(classes, StringComparer.OrdinalIgnoreCase);
        var all = new List<BoundDiffusion>();
        foreach (var syntax in file.Declarations.OfType<DiffusionSyntax>())
        {
            if (!names.Add(syntax.Name.Text))
            {
                session.Report(DiagnosticIds.DuplicateName, source, syntax.Name.Span, $"the file makes a class `{syntax.Name}` already");
            }
            else if (new DiffusionBinder(syntax, source, session).Bind() is { } bound)
            {
                all.Add(bound);
            }
        }

        return all.ToEquatableArray();
    }

    private BoundDiffusion? Bind()
    {
        var dimensions = Input();
        var lines = Lines();
        var score = One(lines, "score") is { } scoreLine ? Score(scoreLine) : null;
        if (score is null && !lines.Contains("score"))
        {
            Fail(_syntax.Name.Span, $"`{_syntax.Name}` needs a score, such as `score kernel(data);`");
        }

        var process = One(lines, "process") is { } processLine ? Process(processLine) : new BoundProcess("ve", []);
        var stop = One(lines, "stop") is { } stopLine ? Stop(stopLine)
            : score?.IsKernel == true && One(lines, "schedule") is null ? new BoundStop("minimax", 2, false) : new BoundStop("zero", 0, false);
        var schedule = One(lines, "schedule") is { } scheduleLine ? Schedule(scheduleLine) : null;
        var samplers = Samplers(lines["sampler"]);
        var guidance = Guided(lines, score);
        NothingToLearn(lines, score);
        if (_hasFailed || score is null || process is null || stop is null)
        {
            return null;
        }

        schedule ??= new BoundSchedule(
            process.Kind == "flow" && stop.Kind != "minimax" ? "shifted" : stop.Kind == "minimax" ? "geometric" : "karras",
            process.Kind == "flow" && stop.Kind != "minimax" ? 1 : 7, "", null, null, []);
        CheckTogether(lines, score, process, schedule, stop, samplers);
        CheckSize(score, dimensions);
        if (score.Network is not null && !_hasFailed && Learned(lines, score, process) is { } network)
        {
            score = score with { Network = network, Block = null };
        }

        return _hasFailed || _isDamaged ? null : new(
            PathNames.Capital(_syntax.Name.Text), _syntax.Doc, dimensions ?? (score.Weights.Count == 0 ? null : score.Means.Count / score.Weights.Count), score, process,
            samplers.ToEquatableArray(), schedule, stop, new Origin(_source.Text.Path, _source.Line(_syntax.Span.Start)))
        {
            NameSpan = _syntax.Name.Span,
            Guidance = guidance,
        };
    }

    // x: [N, d], where d may be a number; samples of a network may have more axes and a condition, x: [N, 16, 16], label: int[N].
    private int? Input()
    {
        var isConditional = _syntax.Inputs.Count == 2 && _syntax.Inputs[1].Type is { Element: "int", Shape.Count: 1 };
        if (_syntax.Arguments.Count > 0 || _syntax.Results.Count > 0 || !(_syntax.Inputs.Count == 1 || isConditional) || _syntax.Inputs[0].Type is not { Element: "", Shape.Count: >= 2 } type
            || type.Shape[0] is not NameSyntax)
        {
            Fail(
                _syntax.Inputs.Count > 0 ? _syntax.Inputs[0].Span : _syntax.Name.Span,
                "a diffusion takes one batch of samples, such as `x: [N, d]`, and perhaps a condition, such as `label: int[N]`; it returns such samples");
            return null;
        }

        var sizes = new List<long>();
        foreach (var axis in type.Shape.Skip(1))
        {
            if (axis is not NumberSyntax size)
            {
                sizes.Add(0);
                continue;
            }

            if (!size.IsInteger || size.Value < 1 || size.Value > 1 << 24)
            {
                Fail(size.Span, $"the size of a sample is an integer of 1 or more, but {_source.Quote(size.Span)} is not");
                return null;
            }

            sizes.Add((long)size.Value);
        }

        _shape = sizes.ToEquatableArray();
        var total = _shape.Aggregate(1.0, (a, b) => a * b);
        if (total > 1 << 24)
        {
            Fail(type.Span, "a sample has at most 2^24 numbers");
            return null;
        }

        return total > 0 ? (int)total : null;
    }

    private ILookup<string, DirectiveSyntax> Lines()
    {
        var lines = new List<DirectiveSyntax>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in _syntax.Items)
        {
            var line = item as DirectiveSyntax ?? new DirectiveSyntax(new("train", new(item.Span.Start, 5)), [], item.Span);
            var word = line.Name.Text;
            if (!Words.Contains(word))
            {
                Fail(line.Name.Span, $"`diffusion` has no setting `{word}`{Suggestion.Hint(word, Words)}");
            }
            else if (!seen.Add(word) && word != "sampler")
            {
                Fail(line.Name.Span, $"`{word}` is given twice");
            }
            else if (line.Values.Count == 0 && word != "train")
            {
                Fail(line.Span, $"`{word}` needs a value");
            }
            else
            {
                lines.Add(line);
            }
        }

        return lines.ToLookup(line => line.Name.Text, StringComparer.Ordinal);
    }

    private static DirectiveSyntax? One(ILookup<string, DirectiveSyntax> lines, string word) => lines[word].FirstOrDefault();

    // Kernels and mixtures are no networks.
    private void NothingToLearn(ILookup<string, DirectiveSyntax> lines, BoundScore? score)
    {
        if (score is null or { Network: not null })
        {
            return;
        }

        foreach (var word in new[] { "train", "condition" })
        {
            if (One(lines, word) is { } line)
            {
                Fail(line.Name.Span, $"`{word}` belongs to `score network(..)`; a kernel or a mixture has nothing to train");
            }
        }

        if (_shape.Count > 1 || (_shape.Count > 0 && _syntax.Inputs.Count > 1))
        {
            Fail(_syntax.Inputs[_syntax.Inputs.Count - 1].Span, "a kernel or a mixture takes samples of one axis, `x: [N, d]`, and nothing else");
        }
    }

    private void CheckTogether(
        ILookup<string, DirectiveSyntax> lines, BoundScore score, BoundProcess process, BoundSchedule schedule, BoundStop stop, List<BoundSampler> samplers)
    {
        if (stop.Kind == "minimax" && !score.IsKernel)
        {
            Fail(One(lines, "stop")!.Values[0].Span, "`minimax` is a time for a kernel score; others stop at zero or at a sigma");
        }

        if (stop.Kind == "minimax" && (schedule.From is not null || schedule.To is not null || schedule.Kind is "sigmas" or "index" or "shifted"))
        {
            Fail(One(lines, "schedule")!.Span, "`stop minimax` decides where noise levels begin and end; leave `from` and `to` out, and take karras, geometric, polyexponential or linear");
        }

        if (stop.Kind == "sigma" && (schedule.To is not null || schedule.Kind is "sigmas" or "index" or "shifted"))
        {
            Fail(One(lines, "stop")!.Values[0].Span, "the schedule says already where noise levels end");
        }

        if (schedule.Kind == "index" && !process.IsDiscrete)
        {
            Fail(One(lines, "schedule")!.Values[0].Span, "`index` chooses among the steps of `process vp(linear)`, `vp(scaled)` or `vp(cosine)`");
        }

        if (schedule.Kind == "shifted" && process.Kind != "flow")
        {
            Fail(One(lines, "schedule")!.Values[0].Span, "`shifted` shifts the time of `process flow`");
        }

        foreach (var (sampler, line) in samplers.Zip(lines["sampler"], (s, l) => (s, l)))
        {
            if (sampler.Rule.LargeVariance && process.Kind is not ("linear" or "scaled" or "cosine" or "continuous"))
            {
                Fail(line.Values[0].Span, $"`{sampler.Name}` has the variance of a step of a process that preserves variance, such as `vp(linear)`");
            }

            if (schedule.Kind == "sigmas" && line.Values.Any(v => StepsOf(v)))
            {
                Fail(line.Span, $"the list of sigmas has {schedule.Sigmas.Count - 1} steps; leave `steps` out");
            }
        }
    }

    private static bool StepsOf(ExpressionSyntax value) => value switch
    {
        AppliedNameSyntax applied => applied.Name.Text == "steps",
        CallSyntax call => call.Arguments.Any(a => a.Name?.Text == "steps"),
        _ => false,
    };

    private void CheckSize(BoundScore score, int? dimensions)
    {
        if (score.Weights.Count > 0 && dimensions is { } size && score.Means.Count != size * score.Weights.Count)
        {
            Fail(_syntax.Inputs[0].Span, $"a sample has {size} coordinates, but the means of the mixture have {score.Means.Count / score.Weights.Count}");
        }
    }

    private void Fail(Span span, string message)
    {
        _hasFailed = true;
        if (!_isDamaged)
        {
            _session.Report(DiagnosticIds.DiffusionSetting, _source, span, message);
        }
    }
}
