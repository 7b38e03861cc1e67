using Mdl.Compiler;
using Mdl.Dsl;
using Mdl.Generators.Inputs;

namespace Mdl.Generators.Project;

/// <summary>What other files must know of a file: its path and the paths it imports.</summary>
internal sealed record FileHeader(string Path, EquatableArray<string> Imports)
{
    /// <summary>
    /// Finds imports without parsing: every edit runs this, and a few imports too many (from a broken text, say) do no harm, as they only say which
    /// texts a compilation can reach.
    /// </summary>
    public static FileHeader Scan(MdlFile file, CancellationToken token)
    {
        token.ThrowIfCancellationRequested();
        var text = file.Text ?? "";
        var imports = new SortedSet<string>(StringComparer.Ordinal);
        var at = 0;
        while (at < text.Length)
        {
            at = Next(file.Path, text, at, imports);
        }

        return new(file.Path, imports.ToEquatableArray());
    }

    private static int Next(string path, string text, int at, SortedSet<string> imports)
    {
        const string Keyword = "import";
        if (Starts(text, at, "//"))
        {
            return After(text, at, "\n");
        }

        if (Starts(text, at, "/*"))
        {
            return After(text, at + 2, "*/");
        }

        if (text[at] == '"')
        {
            return EndOfString(text, at);
        }

        if (!IsWord(text[at]))
        {
            return at + 1;
        }

        var end = at;
        while (end < text.Length && IsWord(text[end]))
        {
            end++;
        }

        if (end - at != Keyword.Length || !Starts(text, at, Keyword))
        {
            return end;
        }

        while (end < text.Length && char.IsWhiteSpace(text[end]))
        {
            end++;
        }

        if (end < text.Length && text[end] == '"')
        {
            var next = EndOfString(text, end);
            if (next - end > 2 && text[next - 1] == '"')
            {
                imports.Add(ModulePath.Resolve(path, text.Substring(end + 1, next - end - 2)));
            }

            return next;
        }

        return end;
    }

    private static bool IsWord(char c) => char.IsLetterOrDigit(c) || c == '_';

    private static bool Starts(string text, int at, string word) => string.CompareOrdinal(text, at, word, 0, word.Length) == 0;

    private static int After(string text, int at, string word) =>
        at < text.Length && text.IndexOf(word, at, StringComparison.Ordinal) is var found and >= 0 ? found + word.Length : text.Length;

    // A string does not go over the end of its line, so that a quote too few hides one line only.
    private static int EndOfString(string text, int at) =>
        text.IndexOfAny(['"', '\n'], at + 1) is var end and >= 0 ? end + 1 : text.Length;
}
