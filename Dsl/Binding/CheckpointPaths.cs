using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>The left sides of a <c>checkpoint</c> name parameters of its model.</summary>
internal static class CheckpointPaths
{
    public static void Check(FileSyntax file, IReadOnlyDictionary<string, HashSet<string>> models, Source source, Session session)
    {
        foreach (var checkpoint in file.Declarations.OfType<CheckpointSyntax>())
        {
            if (PresetBinder.FindModel(checkpoint.Model, source, session) is null || !models.TryGetValue(checkpoint.Model.Text, out var paths))
            {
                continue;
            }

            if (source.HasErrorIn(checkpoint.Span))
            {
                continue;
            }

            var known = paths.Select(WithoutIndices).Distinct(StringComparer.Ordinal).ToArray();
            foreach (var mapping in checkpoint.Mappings)
            {
                var path = PathOf(mapping.Path);
                if (path is null || !known.Contains(path))
                {
                    var hint = path is null ? "" : Suggestion.Hint(path, known);
                    session.Report(
                        DiagnosticIds.CheckpointPath, source, mapping.Path.Span,
                        $"`{checkpoint.Model}` has no parameter {source.Quote(mapping.Path.Span)}{hint}");
                }
            }
        }
    }

    /// <summary>Indices may be written or not: an expert is an axis to the graph and an index to a reader.</summary>
    private static string? PathOf(ExpressionSyntax path) => path switch
    {
        NameSyntax name => name.Text,
        MemberSyntax member => PathOf(member.Operand) is { } before ? before + "." + member.Member.Text : null,
        IndexSyntax index => PathOf(index.Operand),
        _ => null,
    };

    private static string WithoutIndices(string path)
    {
        var kept = new System.Text.StringBuilder();
        var depth = 0;
        foreach (var c in path)
        {
            depth += c == '[' ? 1 : 0;
            if (depth == 0)
            {
                kept.Append(c);
            }

            depth -= c == ']' ? 1 : 0;
        }

        return kept.ToString();
    }
}
