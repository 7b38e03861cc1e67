using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Presets: a model with all its sizes, bound for inference and for training.</summary>
internal static class PresetBinder
{
    public static EquatableArray<BoundModel> Bind(FileSyntax file, Source source, Session session)
    {
        var trains = TrainBinder.Bind(file, source, session);
        var bindings = new List<Func<Binding>>();
        var classes = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var preset in file.Declarations.OfType<PresetSyntax>())
        {
            if (FindModel(preset.Model, source, session) is not { } declaration)
            {
                continue;
            }

            if (!classes.Add(declaration.Name + preset.Name.Text))
            {
                session.Report(DiagnosticIds.DuplicateName, source, preset.Name.Span, $"`{declaration.Name}` has a preset `{preset.Name}` already");
                continue;
            }

            var own = session.Fork();
            bindings.Add(() => new(preset, declaration, own, BindGuarded(preset, declaration, source, trains, own)));
        }

        var models = new List<BoundModel>();
        var bound = ParallelParts.Run(bindings);
        foreach (var binding in bound)
        {
            session.Join(binding.Session, diagnostic => binding.IsAloneWith(diagnostic, bound) ? $" (preset `{binding.Preset.Name}`)" : "");
            if (binding.Model is not null)
            {
                models.Add(binding.Model);
            }
        }

        return CheckpointBinder.Bind(file, models, source, session).ToEquatableArray();
    }

    /// <summary>A preset and what came of it.</summary>
    private sealed record Binding(PresetSyntax Preset, Declaration Declaration, Session Session, BoundModel? Model)
    {
        /// <summary>Whether a mistake in the model shows with the numbers of some presets only.</summary>
        public bool IsAloneWith(Diagnostic diagnostic, IEnumerable<Binding> all) =>
            !(diagnostic.Span.Start >= Preset.Span.Start && diagnostic.Span.End <= Preset.Span.End)
            && all.Any(other => ReferenceEquals(other.Declaration, Declaration) && !other.Session.Diagnostics.Any(d => d.Path == diagnostic.Path && d.Span == diagnostic.Span));
    }

    /// <summary>The model that a preset, train or checkpoint is of; null after a diagnostic.</summary>
    public static Declaration? FindModel(Name name, Source source, Session session)
    {
        var found = session.Find(name.Text, source);
        if (found?.Syntax is BlockSyntax { Kind: BlockKind.Model })
        {
            return found;
        }

        if (!session.Lost.Contains(name.Text))
        {
            var models = session.Declarations.Values.Where(d => d.Syntax is BlockSyntax { Kind: BlockKind.Model }).Select(d => d.Name);
            var message = found is null ? $"there is no model `{name}`{Suggestion.Hint(name.Text, models)}" : $"`{name}` is not a model";
            session.Report(found is null ? DiagnosticIds.UnknownName : DiagnosticIds.WrongKind, source, name.Span, message);
        }

        return null;
    }

    private static BoundModel? BindGuarded(
        PresetSyntax preset, Declaration model, Source source, IReadOnlyList<BoundTrain> trains, Session session)
    {
        try
        {
            return Bind(preset, model, source, trains, session);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            session.Report(DiagnosticIds.InternalError, source, preset.Name.Span, InternalError.Message(e, source.Text.Path));
            return null;
        }
    }

    private static BoundModel? Bind(
        PresetSyntax preset, Declaration model, Source source, IReadOnlyList<BoundTrain> trains, Session session)
    {
        var own = trains.Where(t => t.Model == model.Name).Select(t => t.Settings).ToEquatableArray();
        var settings = own.FirstOrDefault();
        var inference = new Elaborator(session, isTraining: false, settings: settings);
        if (inference.PresetArguments(preset, model, source) is not { } arguments)
        {
            return null;
        }

        var forward = inference.ElaborateModel(model, arguments);
        var learning = new Elaborator(session, isTraining: true, settings: settings);
        var training = learning.ElaborateModel(model, arguments);
        if (forward is null || training is null)
        {
            return null;
        }

        if (trains.FirstOrDefault(t => t.Model == model.Name) is { } first)
        {
            CheckPatterns(first, learning.Parameters.All, session);
        }

        var numbers = arguments.Select(a => (a.Key, Value: Elaborator.AsReal(a.Value))).Where(a => a.Value is not null).Select(a => (a.Key, a.Value!.Value));
        return new(
            PathNames.Capital(model.Name) + PathNames.Capital(preset.Name.Text),
            model.Name,
            preset.Name.Text,
            preset.Doc.Length > 0 ? preset.Doc : model.Syntax.Doc,
            numbers.ToEquatableArray(),
            learning.Parameters.All.ToEquatableArray(),
            forward,
            training,
            learning.MtpDepth,
            own,
            new Origin(source.Text.Path, source.Line(preset.Span.Start)))
        {
            NameSpan = preset.Name.Span,
            Drafts = inference.Drafts,
            BlockDocs = learning.Parameters.BlockDocs.ToEquatableArray(),
        };
    }

    /// <summary>A path that means nothing is a mistake, and one that adapts nothing too.</summary>
    private static void CheckPatterns(BoundTrain train, IReadOnlyList<BoundParameter> parameters, Session session)
    {
        foreach (var pattern in train.Settings.Frozen.Concat(train.Settings.Adapters?.Of ?? []))
        {
            var named = parameters.Where(p => p.Adapter == AdapterPart.None && pattern.Matches(p.Path)).ToArray();
            if (named.Length == 0)
            {
                var hint = Suggestion.Hint(pattern.Text, parameters.SelectMany(p => pattern.Alike(p.Path)).Distinct());
                session.Report(DiagnosticIds.CheckpointPath, train.Source, pattern.Span, $"`{train.Model}` has no parameters `{pattern.Text}`{hint}");
            }
            else if (train.Settings.Adapters?.Of.Contains(pattern) == true && !parameters.Any(p => p.Adapter == AdapterPart.A && named.Any(n => n.Key == p.AdapterOf)))
            {
                session.Report(DiagnosticIds.TrainSetting, train.Source, pattern.Span, $"`{pattern.Text}` has no matrices; adapters are for matrices");
            }
        }
    }
}
