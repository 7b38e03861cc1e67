namespace Mdl.Benchmarks.Reports;

/// <summary>Puts measured figures into a document.</summary>
internal static class MarkdownFile
{
    /// <summary>Stands before the figures.</summary>
    public const string Begin = "<!-- benchmarks: begin -->";

    /// <summary>Stands behind the figures.</summary>
    public const string End = "<!-- benchmarks: end -->";

    /// <summary>Replaces what stands between the marks, or writes a new file.</summary>
    /// <exception cref="InvalidOperationException">The file exists without the marks; it is left as it is.</exception>
    public static void Write(string path, string figures)
    {
        var marked = $"{Begin}\n{figures}\n{End}";
        if (!File.Exists(path))
        {
            File.WriteAllText(path, marked + "\n");
            return;
        }

        var text = File.ReadAllText(path);
        var begin = text.IndexOf(Begin, StringComparison.Ordinal);
        var end = text.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin)
        {
            throw new InvalidOperationException($"{path} has no lines '{Begin}' and '{End}' to put the figures between");
        }

        File.WriteAllText(path, text[..begin] + marked + text[(end + End.Length)..]);
    }
}
