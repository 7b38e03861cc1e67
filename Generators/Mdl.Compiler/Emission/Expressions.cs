using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Emission;

/// <summary>C# text for sizes, indices, constants and elementwise functions.</summary>
internal static class Expressions
{
    public static string Size(Dim dim)
    {
        if (dim.IsConstant)
        {
            return Long(dim.Constant);
        }

        var parts = new List<string>();
        foreach (var (coefficient, factors) in dim.Terms)
        {
            var product = factors.Count == 1 ? factors[0] : string.Join(" * ", factors);
            parts.Add(factors.Count == 0 ? Long(coefficient) : coefficient == 1 ? product : Long(coefficient) + " * " + product);
        }

        return parts.Count == 1 ? parts[0] : "(" + string.Join(" + ", parts) + ")";
    }

    private static string Long(long number) => number.ToString(CultureInfo.InvariantCulture) + "L";

    public static string Int(Dim dim) => dim.IsConstant ? dim.Constant.ToString(CultureInfo.InvariantCulture) : $"(int)({Size(dim)})";

    /// <summary>An offset to add to a pointer: "" for zero.</summary>
    public static string Plus(Dim offset) => offset.Equals(Dim.Zero) ? "" : " + " + Size(offset);

    public static string Of(Storage storage)
    {
        var text = storage.Pointer + Plus(storage.Offset);
        foreach (var (variable, stride) in storage.Slots)
        {
            text += $" + {variable} * {Size(stride)}";
        }

        return text == storage.Pointer ? text : "(" + text + ")";
    }

    public static string Float(double value) => double.IsPositiveInfinity(value) ? "float.PositiveInfinity"
        : double.IsNegativeInfinity(value) ? "float.NegativeInfinity"
        : double.IsNaN(value) ? "float.NaN"
        : ((float)value).ToString("R", CultureInfo.InvariantCulture) + "f";

    /// <summary>A digit of its loop variable, or of the number that was looked up.</summary>
    public static string Digit(Digit digit, string? looked, Func<Dim, string> size)
    {
        var variable = looked ?? digit.Variable switch { LoopVariable.Row => "r", LoopVariable.Column => "c", _ => "j" };
        var text = digit.Divisor.IsOne ? variable : $"{variable} / {size(digit.Divisor)}";
        return digit.Modulus is null ? text : $"{text} % {size(digit.Modulus)}";
    }

    public static string Unary(string library, UnaryFunction function, string x) => function switch
    {
        UnaryFunction.Negate => x.StartsWith("-", StringComparison.Ordinal) ? $"-({x})" : $"-{x}",
        UnaryFunction.Square => $"{x} * {x}",
        UnaryFunction.StopGradient => x,
        _ => $"{library}.{function}({x})",
    };

    public static string Binary(string library, BinaryFunction function, string x, string y) => function switch
    {
        BinaryFunction.Add => $"{x} + {y}",
        BinaryFunction.Subtract => $"{x} - {y}",
        BinaryFunction.Multiply => $"{x} * {y}",
        BinaryFunction.Divide => $"{x} / {y}",
        _ => $"{library}.{function}({x}, {y})",
    };
}
