using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Collects the declarations of a file and of all files that it imports.</summary>
internal static class DeclarationLoader
{
    private const int MostFiles = 256;

    public static void Load(ParseResult parsed, Source root, Func<string, SourceText?> import, Session session)
    {
        session.Lost.UnionWith(parsed.Skipped);
        foreach (var declaration in parsed.File.Declarations)
        {
            if (declaration is BlockSyntax or MoeSyntax)
            {
                Declare(new(declaration, root), declaration.Name.Span, root, session);
            }
        }

        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in parsed.File.Imports)
        {
            Follow(item, root, item.Span, root, [root.Text.Path], done, import, session);
        }
    }

    private static void Declare(Declaration declaration, Span span, Source place, Session session)
    {
        var name = declaration.Name;
        if (Elaborator.BuiltinNames.Contains(name))
        {
            session.Report(DiagnosticIds.DuplicateName, place, span, $"`{name}` is a built-in function; choose another name");
        }
        else if (session.Declarations.TryGetValue(name, out var first))
        {
            session.Report(
                DiagnosticIds.DuplicateName, place, span,
                $"`{name}` is declared already, in {first.Source.Text.Path} line {first.Source.Line(first.Syntax.Name.Span.Start)}");
        }
        else
        {
            session.Declarations.Add(name, declaration);
        }
    }

    /// <summary>What is wrong inside an imported file is told where that file is bound; here only what concerns the root's own import.</summary>
    private static void Follow(
        ImportSyntax item, Source from, Span rootSpan, Source root, List<string> open, HashSet<string> done, Func<string, SourceText?> import, Session session)
    {
        var path = Resolve(from.Text.Path, item.Path);
        var cycle = open.IndexOf(path);
        if (cycle >= 0)
        {
            var chain = string.Join(" imports ", open.Skip(cycle).Append(path));
            session.Report(DiagnosticIds.ImportCycle, root, rootSpan, $"files import each other: {chain}");
            return;
        }

        if (done.Count >= MostFiles || !done.Add(path))
        {
            return;
        }

        if (import(path) is not { } text)
        {
            var by = ReferenceEquals(from, root) ? "" : $", imported by {from.Text.Path}";
            session.Report(DiagnosticIds.ImportNotFound, root, rootSpan, $"there is no file {path}{by}");
            return;
        }

        var parsed = MdlParser.Parse(text, session.Cancellation);
        var source = new Source(text, isLibrary: false, parsed.Diagnostics);
        session.Lost.UnionWith(parsed.Skipped);
        foreach (var declaration in parsed.File.Declarations)
        {
            if (declaration is BlockSyntax or MoeSyntax)
            {
                Declare(new(declaration, source), rootSpan, root, session);
            }
            else if (declaration is TrainSyntax train)
            {
                session.ImportedTrains.Add((train, source));
            }
            else if (declaration is CheckpointSyntax checkpoint)
            {
                session.ImportedCheckpoints.Add((checkpoint, source));
            }
        }

        open.Add(path);
        foreach (var next in parsed.File.Imports)
        {
            Follow(next, source, rootSpan, root, open, done, import, session);
        }

        open.RemoveAt(open.Count - 1);
    }

    /// <summary>A path relative to the folder of the importing file, without <c>.</c> and <c>..</c> where these can be resolved.</summary>
    internal static string Resolve(string from, string path)
    {
        var parts = new List<string>();
        var folder = from.Contains('/') ? from.Substring(0, from.LastIndexOf('/') + 1) : "";
        foreach (var part in (folder + path.Replace('\\', '/')).Split('/'))
        {
            if (part == ".." && parts.Count > 0 && parts[parts.Count - 1] != "..")
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else if (part is not ("." or ""))
            {
                parts.Add(part);
            }
        }

        return string.Join("/", parts);
    }
}
