namespace Mdl.Generators.Reporting;

/// <summary>
/// <c>// mdl: ignore MDL0123, MDL0124 -- reason</c>: suppresses these ids on its own line or, standing alone on a line, on the next one. Errors
/// cannot be suppressed, because nothing is generated for what they are about.
/// </summary>
internal static class SuppressionComments
{
    private const string Marker = "mdl: ignore ";

    public static bool Suppress(string text, int line, string id) =>
        Names(Line(text, line), alone: false, id) || Names(Line(text, line - 1), alone: true, id);

    private static bool Names(string line, bool alone, string id)
    {
        var comment = line.IndexOf("//", StringComparison.Ordinal);
        if (comment < 0 || (alone && line.Substring(0, comment).Trim().Length > 0))
        {
            return false;
        }

        var body = line.Substring(comment + 2).Trim();
        return body.StartsWith(Marker, StringComparison.Ordinal)
            && body.Substring(Marker.Length).Split([" --"], StringSplitOptions.None)[0].Split(',').Any(name => name.Trim() == id);
    }

    private static string Line(string text, int line)
    {
        if (line < 0)
        {
            return "";
        }

        var start = 0;
        for (; line > 0 && start >= 0; line--)
        {
            start = text.IndexOf('\n', start) + 1;
        }

        var end = text.IndexOf('\n', start);
        return end < 0 ? text.Substring(start) : text.Substring(start, end - start);
    }
}
