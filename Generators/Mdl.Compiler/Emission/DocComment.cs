namespace Mdl.Compiler.Emission;

/// <summary>Doc comments of the source as XML doc comments of C#.</summary>
internal static class DocComment
{
    public static void Write(CodeWriter code, string text)
    {
        var lines = text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Split('\n').Select(l => l.Trim('\r', ' ')).ToArray();
        if (lines.Length == 1)
        {
            code.Line($"/// <summary>{lines[0]}</summary>");
            return;
        }

        code.Line("/// <summary>");
        foreach (var line in lines)
        {
            code.Line($"/// {line}".TrimEnd());
        }

        code.Line("/// </summary>");
    }
}
