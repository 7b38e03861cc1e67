using System.Globalization;
using System.Text;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>The value of a configuration key as JSON.</summary>
internal static class ConfigValue
{
    /// <summary>The JSON of a value, or null where it is not known at build time.</summary>
    public static string? Json(ExpressionSyntax value, IReadOnlyDictionary<string, double> names) => value switch
    {
        StringSyntax text => Quote(text.Value),
        NameSyntax { Text: "true" or "false" } word => word.Text,
        NameSyntax { Text: "none" } when !names.ContainsKey("none") => "null",
        ListSyntax list => List(list, names),
        _ => Number(value, names)?.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string? List(ListSyntax list, IReadOnlyDictionary<string, double> names)
    {
        var items = list.Items.Select(i => Json(i, names)).ToArray();
        return items.Contains(null) ? null : "[" + string.Join(", ", items) + "]";
    }

    /// <summary>A number, 1 or 0 for a comparison that holds or does not, or null where it is not known at build time.</summary>
    public static double? Number(ExpressionSyntax value, IReadOnlyDictionary<string, double> names)
    {
        var number = value switch
        {
            NumberSyntax literal => literal.Value,
            NameSyntax name when names.TryGetValue(name.Text, out var known) => known,
            NegateSyntax negate => -Number(negate.Operand, names),
            BinarySyntax { Operator: "+" } sum => Number(sum.Left, names) + Number(sum.Right, names),
            BinarySyntax { Operator: "-" } difference => Number(difference.Left, names) - Number(difference.Right, names),
            BinarySyntax { Operator: "*" } product => Number(product.Left, names) * Number(product.Right, names),
            BinarySyntax { Operator: "/" } quotient => Number(quotient.Left, names) / Number(quotient.Right, names),
            BinarySyntax { Operator: "<" } less => Number(less.Left, names) is { } a && Number(less.Right, names) is { } b ? a < b ? 1 : 0 : null,
            BinarySyntax { Operator: "<=" } most => Number(most.Left, names) is { } a && Number(most.Right, names) is { } b ? a <= b ? 1 : 0 : null,
            BinarySyntax { Operator: ">" } greater => Number(greater.Left, names) is { } a && Number(greater.Right, names) is { } b ? a > b ? 1 : 0 : null,
            BinarySyntax { Operator: ">=" } least => Number(least.Left, names) is { } a && Number(least.Right, names) is { } b ? a >= b ? 1 : 0 : null,
            BinarySyntax { Operator: "==" } equal => Number(equal.Left, names) is { } a && Number(equal.Right, names) is { } b ? a.Equals(b) ? 1 : 0 : null,
            _ => null,
        };
        return number is { } finite && (double.IsNaN(finite) || double.IsInfinity(finite)) ? null : number;
    }

    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            quoted.Append(c is '"' or '\\' ? "\\" + c : c < ' ' ? "\\u" + ((int)c).ToString("x4", CultureInfo.InvariantCulture) : c.ToString());
        }

        return quoted.Append('"').ToString();
    }
}
