using System.Text;

namespace Mdl.Compiler;

/// <summary>Names of the source as names of C#.</summary>
internal static class Naming
{
    /// <summary>"query_norm" becomes "QueryNorm"; what would begin with a digit, or be empty, begins with <paramref name="prefix"/>.</summary>
    public static string Pascal(string name, string prefix)
    {
        var text = new StringBuilder();
        var upper = true;
        foreach (var c in name)
        {
            if (char.IsLetterOrDigit(c))
            {
                text.Append(upper ? char.ToUpperInvariant(c) : c);
            }

            upper = !char.IsLetterOrDigit(c);
        }

        return text.Length == 0 || char.IsDigit(text[0]) ? prefix + text : text.ToString();
    }

    /// <summary>The name of a namespace with an '@' before each part that could be a keyword of C#: those are of small letters only.</summary>
    public static string Namespace(string name) =>
        string.Join(".", name.Split('.').Select(part => part.All(c => c is >= 'a' and <= 'z') ? "@" + part : part));
}
