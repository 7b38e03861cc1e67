using System.Globalization;
using CsCheck;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Tests.Syntax;

public class ExpressionTests
{
    private const string Before = "function f() { return ";

    [Theory]
    [InlineData("a + b - c", "((a + b) - c)")]
    [InlineData("a / b * c @ d", "(((a / b) * c) @ d)")]
    [InlineData("a + b * c ^ d", "(a + (b * (c ^ d)))")]
    [InlineData("a ^ b ^ c", "(a ^ (b ^ c))")]
    [InlineData("-a ^ 2", "(-(a ^ 2))")]
    [InlineData("a ^ -1", "(a ^ -1)")]
    [InlineData("a ^ -b ^ c", "(a ^ (-(b ^ c)))")]
    [InlineData("-a * b", "((-a) * b)")]
    [InlineData("a - -1", "(a - -1)")]
    [InlineData("-2", "-2")]
    [InlineData("- -2", "2")]
    [InlineData("-(2)", "-2")]
    [InlineData("-2'", "(-2')")]
    [InlineData("a + b < c * d", "((a + b) < (c * d))")]
    [InlineData("a == b", "(a == b)")]
    [InlineData("(a < b) >= c", "((a < b) >= c)")]
    [InlineData("x @ w'", "(x @ w')")]
    [InlineData("x''", "x''")]
    [InlineData("a.b[i, j](c).d'", "a.b[i, j](c).d'")]
    [InlineData("(a + b)'[i]", "(a + b)'[i]")]
    [InlineData("f()", "f()")]
    [InlineData("f(g(x), of: y, by: sum(top 2))", "f(g(x), of: y, by: sum(top 2))")]
    [InlineData("top 2 + 1", "(top 2 + 1)")]
    [InlineData("(a, b)", "(a, b)")]
    [InlineData("((a))", "a")]
    [InlineData("[]", "[]")]
    [InlineData("[a, [b], 1]", "[a, [b], 1]")]
    [InlineData("repeat n - 1 { B(c) }(h)", "repeat (n - 1) { B(c) }(h)")]
    [InlineData("\"a\\\"b\\\\\\n\\t\"", "\"a\\\"b\\\\\\n\\t\"")]
    [InlineData("600_000", "600000")]
    [InlineData("1e3", "1000")]
    [InlineData("3.36e-4", "0.000336")]
    [InlineData("9007199254740992", "9007199254740992")]
    [InlineData("step + next * load", "(step + (next * load))")]
    [InlineData("state + loss + param_", "((state + loss) + param_)")]
    [InlineData("größe * 变量", "(größe * 变量)")]
    public void BindsAsItShould(string text, string expected) => Assert.Equal(expected, Printer.Print(Parse(text)));

    [Theory]
    [InlineData("12", true, 12)]
    [InlineData("1_2", true, 12)]
    [InlineData("-7", true, -7)]
    [InlineData("1.0", false, 1)]
    [InlineData("1e2", false, 100)]
    [InlineData("1.5E+2", false, 150)]
    public void NumbersHaveTheirValue(string text, bool isInteger, double value)
    {
        var number = Assert.IsType<NumberSyntax>(Parse(text));
        Assert.Equal((isInteger, value), (number.IsInteger, number.Value));
    }

    [Fact]
    public void NumbersDoNotDependOnTheCulture()
    {
        var culture = CultureInfo.CurrentCulture;
        try
        {
            var german = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            (german.NumberFormat.NumberDecimalSeparator, german.NumberFormat.NumberGroupSeparator) = (",", ".");
            CultureInfo.CurrentCulture = german;
            Assert.Equal(1.5, Assert.IsType<NumberSyntax>(Parse("1.5")).Value);
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Fact]
    public void ParenthesesBelongToTheSpanOfTheWhole()
    {
        const string Text = "(a + b) * (c)'";
        var product = Assert.IsType<BinarySyntax>(Parse(Text));
        Assert.Equal(Text, Slice(Text, product.Span));
        Assert.Equal("*", Slice(Text, product.OperatorSpan));
        Assert.Equal("a + b", Slice(Text, product.Left.Span));
        Assert.Equal("(c)'", Slice(Text, product.Right.Span));

        static string Slice(string text, Span span) => text.Substring(span.Start - Before.Length, span.Length);
    }

    /// <summary>Trees are written with random blanks and comments, read, and compared; and so is what the span of each of their nodes covers.</summary>
    [Fact]
    public void EveryTreeIsReadAsItWasWritten()
        => Gen.Select(Expressions(4), Gen.Int).Sample(
            (written, seed) =>
            {
                var text = WithBlanks(written, new Random(seed));
                var source = new SourceText("a.mdl", Before + text + "; }");
                var result = MdlParser.Parse(source);
                Assert.Empty(result.Diagnostics);
                Tree.Check(source, result);
                var value = ValueOf(result);
                Assert.Equal(written, Printer.Print(value));
                foreach (var node in Tree.All(value).OfType<ExpressionSyntax>())
                {
                    Assert.Equal(Printer.Print(node), Printer.Print(Parse(source.Text.Substring(node.Span.Start, node.Span.Length))));
                }
            },
            iter: 300,
            threads: 1);

    internal static string WithBlanks(string text, Random random)
    {
        var source = new SourceText("a.mdl", text);
        var tokens = new Scanner(source, new(source), default).Scan();
        string[] blanks = [" ", "\t", "\r\n", "\n ", " /* 𝛼 ; } */ ", " // )\n"];
        return string.Concat(tokens.Select(token => text.Substring(token.Span.Start, token.Span.Length) + blanks[random.Next(blanks.Length)])) + "\n";
    }

    /// <summary>Expressions as <see cref="Printer"/> writes them.</summary>
    private static Gen<string> Expressions(int depth)
    {
        var name = Gen.OneOf("x", "heads", "top", "load", "step", "T");
        var leaf = Gen.OneOf(name, Gen.Int[0, 1_000_000].Select(n => n.ToString(CultureInfo.InvariantCulture)), Gen.Const(".."), Gen.Const("\"a b\""));
        if (depth == 0)
        {
            return leaf;
        }

        var inner = Expressions(depth - 1);
        var several = inner.Array[1, 3].Select(items => string.Join(", ", items));
        var sign = Gen.OneOf("+", "-", "*", "/", "@", "^", "<", "<=", ">", ">=", "==");
        return Gen.OneOf(
            leaf,
            Gen.Select(name, Gen.Int[0, 9]).Select((n, i) => $"{n} {i}"),
            Gen.Select(inner, sign, inner).Select((left, s, right) => $"({left} {s} {right})"),
            name.Select(n => $"(-{n})"),
            several.Select(items => $"[{items}]"),
            Gen.Select(inner, inner).Select((a, b) => $"({a}, {b})"),
            Gen.Select(name, several, inner).Select((f, items, last) => $"{f}({items}, of: {last})"),
            Gen.Select(name, several).Select((x, items) => $"{x}[{items}]'"),
            Gen.Select(name, name).Select((a, b) => $"{a}.{b}"),
            Gen.Select(inner, inner, name).Select((count, body, x) => $"repeat {count} {{ {body} }}({x})"));
    }

    private static ExpressionSyntax Parse(string text)
    {
        var result = MdlParser.Parse(new("a.mdl", Before + text + "; }"));
        Assert.Empty(result.Diagnostics);
        return ValueOf(result);
    }

    private static ExpressionSyntax ValueOf(ParseResult result)
        => Assert.Single(Assert.IsType<ReturnSyntax>(Assert.Single(Assert.IsType<BlockSyntax>(Assert.Single(result.File.Declarations)).Body)).Values);
}
