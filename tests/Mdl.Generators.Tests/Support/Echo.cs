using Mdl.Compiler;
using Mdl.Dsl;

namespace Mdl.Generators.Tests.Support;

/// <summary>
/// Stands in for the compiler where a test is about the pipeline around it. Each file yields one C# file with its non-blank lines as comments, an
/// import pulls in the lines of the imported file, and "warn", "info" and "error" in a line are diagnostics at that word.
/// </summary>
internal static class Echo
{
    public static CompileResult Compile(SourceText source, Func<string, SourceText?> import, CompileOptions options, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var reached = Reach(source, import, []).ToArray();
        var lines = reached.SelectMany(file => file.Text.Split('\n').Select(line => line.Trim())).Where(line => line.Length > 0);
        var text = $"namespace {options.Namespace};\n" + string.Concat(lines.Select(line => $"// {line}\n"));
        return new([new("Echo.g.cs", text)], reached.SelectMany(Diagnostics).ToEquatableArray());
    }

    private static IEnumerable<SourceText> Reach(SourceText source, Func<string, SourceText?> import, HashSet<string> seen) =>
        seen.Add(source.Path)
            ? source.Text.Split('\n').Where(line => line.StartsWith("import \"", StringComparison.Ordinal))
                .Select(line => import(ModulePath.Resolve(source.Path, line.Split('"')[1])))
                .OfType<SourceText>()
                .SelectMany(file => Reach(file, import, seen))
                .Prepend(source)
            : [];

    private static IEnumerable<Diagnostic> Diagnostics(SourceText file)
    {
        foreach (var (word, severity, id) in new[] { ("info", Severity.Info, "MDL0007"), ("warn", Severity.Warning, "MDL0008"), ("error", Severity.Error, "MDL0001") })
        {
            for (var at = file.Text.IndexOf(word, StringComparison.Ordinal); at >= 0; at = file.Text.IndexOf(word, at + 1, StringComparison.Ordinal))
            {
                yield return new(id, severity, $"{word} here", file.Path, new(at, word.Length));
            }
        }
    }
}
