using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Path segments and class names made from names of the source, and paths of parameters as they are written.</summary>
internal static class PathNames
{
    /// <summary>"SwiGlu" becomes "swiGlu".</summary>
    public static string Camel(string name) => name.Length == 0 ? name : char.ToLowerInvariant(name[0]) + name.Substring(1);

    /// <summary>"nano" becomes "Nano": a class of small letters only would be a warning of C#.</summary>
    public static string Capital(string name) => name.Length == 0 ? name : char.ToUpperInvariant(name[0]) + name.Substring(1);

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

    /// <summary>The path that an expression spells, without indices; null if it is none.</summary>
    public static string? Of(ExpressionSyntax path) => path switch
    {
        NameSyntax name => name.Text,
        MemberSyntax member => Of(member.Operand) is { } before ? before + "." + member.Member.Text : null,
        IndexSyntax index => Of(index.Operand),
        _ => null,
    };

    /// <summary><c>layers[{i}].attention.qkv</c> becomes <c>layers.attention.qkv</c>.</summary>
    public static string WithoutIndices(string path)
    {
        var kept = new System.Text.StringBuilder();
        var depth = 0;
        foreach (var c in path)
        {
            depth += c == '[' ? 1 : 0;
            if (depth == 0)
            {
                kept.Append(c);
            }

            depth -= c == ']' ? 1 : 0;
        }

        return kept.ToString();
    }
}
