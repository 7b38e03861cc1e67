using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Checks each <c>checkpoint</c> against its model and gives it the sizes of each preset.</summary>
internal static class CheckpointBinder
{
    private const int MostListed = 8;

    public static IEnumerable<BoundModel> Bind(FileSyntax file, IReadOnlyList<BoundModel> models, Source source, Session session)
    {
        var bound = models.ToDictionary(m => m, _ => new List<BoundCheckpoint>(), ReferenceComparer.Instance);
        foreach (var checkpoint in file.Declarations.OfType<CheckpointSyntax>())
        {
            if (PresetBinder.FindModel(checkpoint.Model, source, session) is not null)
            {
                Bind(checkpoint, source, session);
            }
        }

        foreach (var (checkpoint, from) in session.ImportedCheckpoints)
        {
            // The file itself tells what is wrong with it.
            Bind(checkpoint, from, session.Fork());
        }

        return models.Select(m => m with { Checkpoints = bound[m].ToEquatableArray() });

        void Bind(CheckpointSyntax checkpoint, Source from, Session to)
        {
            var own = models.Where(m => m.ModelName == checkpoint.Model.Text).ToArray();
            if (own.Length == 0 || from.HasErrorIn(checkpoint.Span))
            {
                return;
            }

            var known = new HashSet<string>(own.SelectMany(m => m.Parameters).Where(IsPublished).Select(p => PathNames.WithoutIndices(p.Path)), StringComparer.Ordinal);
            foreach (var model in own)
            {
                if (BindTo(checkpoint, model, known, from, to) is { } result && bound[model].TrueForAll(c => c.Name != result.Name))
                {
                    bound[model].Add(result);
                }
            }
        }
    }

    private static BoundCheckpoint? BindTo(CheckpointSyntax checkpoint, BoundModel model, HashSet<string> known, Source source, Session session)
    {
        var before = session.Diagnostics.Count;
        var fits = true;
        var arguments = model.Arguments.ToDictionary(a => a.Name, a => a.Value, StringComparer.Ordinal);
        var parameters = model.Parameters.Where(IsPublished).ToLookup(p => PathNames.WithoutIndices(p.Path), StringComparer.Ordinal);
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var mapped = new HashSet<string>(StringComparer.Ordinal);
        var tensors = new List<BoundTensorName>();
        foreach (var mapping in checkpoint.Mappings())
        {
            var path = PathNames.Of(mapping.Path);
            if (path is null || !known.Contains(path))
            {
                var hint = path is null ? "" : Suggestion.Hint(path, known);
                Report(DiagnosticIds.CheckpointPath, mapping.Path.Span, $"`{checkpoint.Model}` has no parameter {source.Quote(mapping.Path.Span)}{hint}");
                continue;
            }

            if (!mapped.Add(path))
            {
                Report(DiagnosticIds.CheckpointTwice, mapping.Path.Span, $"{source.Quote(mapping.Path.Span)} is mapped already");
                continue;
            }

            foreach (var parameter in parameters[path])
            {
                if (Indices(mapping.Path, parameter) is not { } indices)
                {
                    Report(DiagnosticIds.CheckpointName, mapping.Path.Span, $"the indices of {source.Quote(mapping.Path.Span)} are not those of `{parameter.Path}`");
                    continue;
                }

                if (TensorNamePattern.Resolve(mapping.Target, arguments, indices, out var error) is not { } pattern)
                {
                    Report(DiagnosticIds.CheckpointName, mapping.Span, error);
                    continue;
                }

                if (names.TryGetValue(pattern, out var other) && other != path)
                {
                    Report(DiagnosticIds.CheckpointTwice, mapping.Span, $"`{other}` has this name already");
                    continue;
                }

                names[pattern] = path;
                tensors.Add(new(parameter.Key, pattern));
            }
        }

        var missing = parameters.Select(p => p.Key).Where(p => !mapped.Contains(p)).ToArray();
        if (missing.Length > 0)
        {
            var more = missing.Length > MostListed ? $" and {missing.Length - MostListed} more" : "";
            Report(DiagnosticIds.CheckpointUnmapped, checkpoint.Name.Span, $"no tensor for {string.Join(", ", missing.Take(MostListed).Select(m => $"`{m}`"))}{more}");
        }

        var config = Config(checkpoint, model, arguments, Report);
        return fits && session.Diagnostics.Count == before ? new(checkpoint.Name.Text, tensors.ToEquatableArray(), config) : null;

        void Report(string id, Span span, string message)
        {
            fits = false;
            session.Report(id, source, span, message);
        }
    }

    private static EquatableArray<BoundConfig> Config(
        CheckpointSyntax checkpoint, BoundModel model, Dictionary<string, double> arguments, Action<string, Span, string> report)
    {
        var names = new Dictionary<string, double>(arguments, StringComparer.Ordinal);
        var hasMtp = !names.ContainsKey("mtp");
        if (hasMtp)
        {
            names.Add("mtp", model.MtpDepth);
        }

        var lines = new List<BoundConfig>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in checkpoint.Configs())
        {
            if (line.Condition is { } condition)
            {
                if (ConfigValue.Number(condition, names) is not { } holds)
                {
                    report(DiagnosticIds.CheckpointConfig, condition.Span, "the condition is not known at build time");
                    continue;
                }

                if (holds == 0)
                {
                    continue;
                }
            }

            var keys = new List<(string, string)>();
            foreach (var key in line.Keys)
            {
                if (!seen.Add(key.Key))
                {
                    report(DiagnosticIds.CheckpointTwice, key.Span, $"\"{key.Key}\" has a value already");
                }

                if (ConfigValue.Json(key.Value, names) is { } json)
                {
                    keys.Add((key.Key, json));
                }
                else
                {
                    report(DiagnosticIds.CheckpointConfig, key.Value.Span, $"the value of \"{key.Key}\" is not known at build time");
                }
            }

            var isMtp = hasMtp && line.Keys.Any(k => k.Value is NameSyntax { Text: "mtp" });
            lines.Add(new(keys.ToEquatableArray(), isMtp ? "mtp" : line.Word));
        }

        return lines.ToEquatableArray();
    }

    /// <summary>The words of a path's indices: i is the instance, e the leading axis of the tensor; null where the parameter has others.</summary>
    private static IReadOnlyList<(string Word, char Letter)>? Indices(ExpressionSyntax path, BoundParameter parameter)
    {
        var words = new List<(string Name, string Word)>();
        for (var node = path; ;)
        {
            switch (node)
            {
                case IndexSyntax { Indices: [NameSyntax index] } indexed:
                    words.Insert(0, (PathNames.Of(indexed.Operand) ?? "", index.Text));
                    node = indexed.Operand;
                    continue;
                case MemberSyntax member:
                    node = member.Operand;
                    continue;
                case NameSyntax:
                    return Letters(words, parameter);
                default:
                    return null;
            }
        }
    }

    private static List<(string Word, char Letter)>? Letters(List<(string Name, string Word)> words, BoundParameter parameter)
    {
        var result = new List<(string, char)>();
        var brackets = parameter.Path.IndexOf("[{i}]", StringComparison.Ordinal);
        var repeated = brackets < 0 ? null : PathNames.WithoutIndices(parameter.Path.Substring(0, brackets));
        var experts = 0;
        foreach (var (name, word) in words)
        {
            var isInstance = name == repeated && parameter.Repeats > 0;
            experts += isInstance ? 0 : 1;
            result.Add((word, isInstance ? 'i' : 'e'));
        }

        var fits = experts <= 1 && (experts == 0 || parameter.Shape.Count >= 2)
            && (parameter.Repeats == 0) == result.TrueForAll(r => r.Item2 != 'i')
            && words.Select(w => w.Word).Distinct(StringComparer.Ordinal).Count() == words.Count;
        return fits ? result : null;
    }

    // Adapters have files of their own.
    private static bool IsPublished(BoundParameter parameter) => parameter.Adapter == AdapterPart.None;
}
