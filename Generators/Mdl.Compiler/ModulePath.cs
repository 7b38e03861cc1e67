namespace Mdl.Compiler;

/// <summary>Arithmetic on the relative, '/'-separated paths by which <c>.mdl</c> files name each other.</summary>
public static class ModulePath
{
    /// <summary>The path that <c>import "<paramref name="imported"/>"</c> means in the file <paramref name="importer"/>.</summary>
    public static string Resolve(string importer, string imported)
    {
        var directory = importer.LastIndexOf('/') is var slash and >= 0 ? importer.Substring(0, slash + 1) : "";
        return Normalize(directory + imported);
    }

    /// <summary>The path with '/' as its separator and without '.' and inner '..' segments.</summary>
    public static string Normalize(string path)
    {
        var segments = new List<string>();
        foreach (var segment in path.Replace('\\', '/').Split('/'))
        {
            if (segment is "" or ".")
            {
                continue;
            }

            if (segment == ".." && segments.Count > 0 && segments[segments.Count - 1] != "..")
            {
                segments.RemoveAt(segments.Count - 1);
            }
            else
            {
                segments.Add(segment);
            }
        }

        return string.Join("/", segments);
    }
}
