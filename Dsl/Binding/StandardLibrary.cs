using System.Reflection;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>The embedded <c>.mdl</c> files that every file sees without importing them; read once for the process.</summary>
public static class StandardLibrary
{
    private const string Folder = "library/";
    private const string Prefix = "Mdl.Dsl.Library.";

    private static readonly Lazy<IReadOnlyList<SourceText>> LazyTexts = new(ReadTexts);
    private static readonly Lazy<Dictionary<string, Declaration>> LazyDeclarations = new(ReadDeclarations);

    /// <summary>The texts, with paths such as <c>library/norms.mdl</c>.</summary>
    public static IReadOnlyList<SourceText> Texts => LazyTexts.Value;

    /// <summary>Whether a path is that of one of the texts.</summary>
    public static bool Contains(string path) => path.StartsWith(Folder, StringComparison.Ordinal) && Texts.Any(text => text.Path == path);

    internal static IReadOnlyDictionary<string, Declaration> Declarations => LazyDeclarations.Value;

    private static IReadOnlyList<SourceText> ReadTexts()
    {
        var assembly = typeof(StandardLibrary).GetTypeInfo().Assembly;
        var texts = new List<SourceText>();
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).OrderBy(n => n, StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            texts.Add(new(Folder + name.Substring(Prefix.Length), reader.ReadToEnd()));
        }

        return texts;
    }

    private static Dictionary<string, Declaration> ReadDeclarations()
    {
        var declarations = new Dictionary<string, Declaration>(StringComparer.Ordinal);
        foreach (var text in Texts)
        {
            var parsed = MdlParser.Parse(text, CancellationToken.None);
            var source = new Source(text, isLibrary: true);
            foreach (var declaration in parsed.File.Declarations)
            {
                declarations.Add(declaration.Name.Text, new(declaration, source));
            }
        }

        return declarations;
    }
}
