using System.Globalization;
using System.Text;

namespace Mdl.Generators.Project;

/// <summary>Makes hint names: from relative paths, of harmless characters only, and unique without regard to case as Roslyn demands.</summary>
internal sealed class HintNames
{
    private readonly HashSet<string> _taken = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>A stem for the next path; paths must come in a fixed order, because a clash is settled by counting.</summary>
    public string Stem(string path)
    {
        var plain = Sanitize(path.EndsWith(".mdl", StringComparison.OrdinalIgnoreCase) ? path.Substring(0, path.Length - 4) : path);
        var stem = plain;
        for (var i = 2; !_taken.Add(stem); i++)
        {
            stem = plain + "_" + i.ToString(CultureInfo.InvariantCulture);
        }

        return stem;
    }

    /// <summary>Letters, digits, '_' and '-' stay, '/' becomes '.', ".." becomes "up", all else '_'.</summary>
    public static string Sanitize(string path)
    {
        var name = new StringBuilder(path.Length);
        foreach (var c in path.Replace("../", "up/"))
        {
            name.Append(c switch
            {
                >= 'a' and <= 'z' or >= 'A' and <= 'Z' or >= '0' and <= '9' or '_' or '-' or '.' => c,
                '/' => '.',
                _ => '_',
            });
        }

        return name.ToString();
    }
}
