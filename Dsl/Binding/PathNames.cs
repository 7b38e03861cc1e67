namespace Mdl.Dsl.Binding;

/// <summary>Path segments made from block names.</summary>
internal static class PathNames
{
    /// <summary>"SwiGlu" becomes "swiGlu".</summary>
    public static string Camel(string name) => name.Length == 0 ? name : char.ToLowerInvariant(name[0]) + name.Substring(1);

    /// <summary>"Layer" becomes "layers", "Entry" "entries", "Mix" "mixes".</summary>
    public static string CamelPlural(string name)
    {
        var camel = Camel(name);
        if (camel.Length > 1 && camel.EndsWith("y", StringComparison.Ordinal) && !"aeiou".Contains(camel[camel.Length - 2]))
        {
            return camel.Substring(0, camel.Length - 1) + "ies";
        }

        var hisses = new[] { "s", "x", "z", "ch", "sh" }.Any(e => camel.EndsWith(e, StringComparison.Ordinal));
        return camel + (hisses ? "es" : "s");
    }
}
