using System.Globalization;
using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Build-time numbers and sizes.</summary>
internal sealed partial class Elaborator
{
    private const int HighestDegree = 16;
    private const double LargestExact = 9007199254740992; // 2^53

    private static Entity FromNumber(double value, bool isInteger) =>
        isInteger && Math.Abs(value) <= LargestExact ? new Size((long)value) : new Number(value);

    public static double? AsReal(Entity entity) => entity switch
    {
        Number number => number.Value,
        Size { Dim.IsConstant: true } size => size.Dim.Constant,
        _ => null,
    };

    /// <summary>What a generic elaboration makes of a quotient or root of sizes that it does not know.</summary>
    private static Size UnknownSize { get; } = new(Dim.Symbol(UnknownMark + "size"));

    private static bool IsUnknown(Entity entity) =>
        entity is Size { Dim.IsConstant: false } size && size.Dim.Symbols.Any(s => s.StartsWith(UnknownMark, StringComparison.Ordinal));

    /// <summary>An integer between bounds, or null after a diagnostic.</summary>
    private long? Count(Entity entity, Span span, Frame frame, long least, long most, string what)
    {
        if (RealNumber(entity, span, frame, what) is not { } value)
        {
            return null;
        }

        if (value != Math.Floor(value) || double.IsInfinity(value))
        {
            Report(frame, DiagnosticIds.SizeOutOfRange, span, $"{what} is an integer, {ButIs(value, span, frame)}");
            return null;
        }

        if (value < least || value > most)
        {
            Report(frame, DiagnosticIds.SizeOutOfRange, span, $"{what} is between {least} and {most}, {ButIs(value, span, frame)}");
            return null;
        }

        return (long)value;
    }

    private double? RealNumber(Entity entity, Span span, Frame frame, string what)
    {
        if (entity is Poison)
        {
            return null;
        }

        if (AsReal(entity) is { } value && !double.IsNaN(value))
        {
            return value;
        }

        if (IsUnknown(entity))
        {
            Failed = true;
        }
        else
        {
            Report(
                frame, DiagnosticIds.NotKnownAtBuildTime, span, $"{what} is a number known at build time, but {frame.Quote(span)} is {entity.Kind}");
        }

        return null;
    }

    private Dim? AxisSize(Entity entity, Span span, Frame frame, string what)
    {
        switch (entity)
        {
            case Size size when !size.Dim.IsConstant:
                return size.Dim;
            case Poison:
                return null;
            default:
                return Count(entity, span, frame, 0, 1L << 40, what) is { } count ? (Dim)count : null;
        }
    }

    /// <summary>The end of a message: what the source says, and its value where that is not what it says.</summary>
    private static string ButIs(double value, Span span, Frame frame) =>
        frame.Quote(span) == $"`{Show(value)}`" ? $"not {Show(value)}" : $"but {frame.Quote(span)} is {Show(value)}";

    private static string Show(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>Arithmetic on build-time numbers; null where the result needs run time.</summary>
    private static Entity? Calculate(string op, Entity left, Entity right)
    {
        if (left is Size a && right is Size b && CalculateSizes(op, a.Dim, b.Dim) is { } size)
        {
            return size;
        }

        if (AsReal(left) is not { } x || AsReal(right) is not { } y)
        {
            return null;
        }

        return op switch
        {
            "+" => new Number(x + y),
            "-" => new Number(x - y),
            "*" => new Number(x * y),
            "/" => new Number(x / y),
            "^" => new Number(Math.Pow(x, y)),
            "<" => new Size(x < y ? 1 : 0),
            "<=" => new Size(x <= y ? 1 : 0),
            ">" => new Size(x > y ? 1 : 0),
            ">=" => new Size(x >= y ? 1 : 0),
            "==" => new Size(x == y ? 1 : 0),
            _ => null,
        };
    }

    private static Size? CalculateSizes(string op, Dim a, Dim b) => op switch
    {
        "+" => new(a + b),
        "-" => new(a - b),
        "*" => new(Product(a, b)),
        "/" when !b.Equals(Dim.Zero) && Dim.Divide(a, b) is { } quotient => new(quotient),
        "^" when a.IsConstant && b.IsConstant && IntegerPower(a.Constant, b.Constant) is { } power => new(power),
        _ => null,
    };

    /// <summary>Sizes that are squared again and again would fill the memory long before they overflow.</summary>
    private static Dim Product(Dim a, Dim b)
    {
        var degree = Degree(a) + Degree(b);
        return degree <= HighestDegree ? a * b : throw new OverflowException($"a size of degree {degree}");
    }

    private static int Degree(Dim dim) => dim.IsConstant ? 0 : dim.Terms.Max(t => t.Factors.Count);

    private static long? IntegerPower(long x, long n)
    {
        var power = n >= 0 ? Math.Pow(x, n) : double.NaN;
        return Math.Abs(power) <= LargestExact ? (long)power : null;
    }

    /// <summary>The number as a scalar of the graph.</summary>
    private static Value Scalar(GraphBuilder builder, Entity number) => number is Size { Dim.IsConstant: false } size
        ? builder.Add(new SizeOf(size.Dim))
        : builder.Constant(AsReal(number)!.Value);
}
