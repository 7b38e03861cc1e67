using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Tests.Syntax;

public class ErrorTests
{
    /// <summary>Lines and columns count from 1, columns in UTF-16 units; tabs are one, CRLF ends a line, 𝛼 is two.</summary>
    [Fact]
    public void PlacesAreExact()
    {
        const string Text =
            "\uFEFFmodule Broken;\r\n"
            + "block A(x: [N, D]; width = 1e999) {\r\n"
            + "\tparam w: [D, D]\r\n"
            + "\tlet a = /* 𝛼𝛽 */ 𝛼 + 1;\r\n"
            + "\t/* 𝛼 */ h = x @ ;\r\n"
            + "\treturn (x;\r\n"
            + "}\r\n"
            + "preset 2T of {\r\n"
            + "\twidth 3;\r\n"
            + "}\r\n"
            + "checkpoint C of A { a.b = \"x\\q\"; c = \"open;\r\n"
            + "}\r\n"
            + "/* 𝛼";
        var source = new SourceText("broken.mdl", Text);
        Assert.Equal(
            [
                "MDL0005 2:28-2:33 the number is larger than 1.7976931348623157e308",
                "MDL0001 3:17-3:17 expected ';' after the parameter's type",
                "MDL0002 4:21-4:23 '𝛼' has no meaning here",
                "MDL0001 5:19-5:20 expected an expression after '@', found ';'",
                "MDL0001 6:11-6:12 expected ')', found ';'",
                "MDL0001 8:14-8:15 expected the name of a model after 'of', found '{'",
                "MDL0001 9:8-9:9 expected ':' after the argument's name, found '3'",
                "MDL0009 11:29-11:31 '\\q' is no escape; there are \\\", \\\\, \\n and \\t",
                "MDL0003 11:38-11:43 the string has no '\"' at its end",
                "MDL0004 13:1-13:3 the comment that starts here has no '*/'",
            ],
            Lines(source));
    }

    [Theory]
    [InlineData("param w: [D", "expected ']' after the axes, found ';'")]
    [InlineData("param w [D]", "expected ':' and a type after the parameter's name, found '['")]
    [InlineData("param : [D]", "expected the parameter's name, found ':'")]
    [InlineData("param w: D", "expected a type like '[B, T]', found 'D'")]
    [InlineData("param let: [D]", "expected the parameter's name, found 'let'")]
    [InlineData("state s: [D] in 3", "expected an element type after 'in', found '3'")]
    [InlineData("let a 1", "expected '=' after the name, found '1'")]
    [InlineData("let a =", "expected an expression after '=', found ';'")]
    [InlineData("let a = b c", "expected ';' after the value, found 'c'")]
    [InlineData("a, = b", "expected a name to assign to, found '='")]
    [InlineData("a", "expected '=' after the name, found ';'")]
    [InlineData("a -= b", "expected '=' after the name, found '-'")]
    [InlineData("h = f(x, )", "expected an expression after ',', found ')'")]
    [InlineData("h = f(x: )", "expected an expression after ':', found ')'")]
    [InlineData("h = f(x y)", "expected ')' after the arguments, found 'y'")]
    [InlineData("h = x[]", "expected an expression after '[', found ']'")]
    [InlineData("h = ()", "expected an expression after '(', found ')'")]
    [InlineData("h = a < b < c", "comparisons do not chain; use parentheses")]
    [InlineData("h = 2x", "expected an expression after '=', found '2x'")]
    [InlineData("h = a.3", "expected a word, found '3'")]
    [InlineData("h = repeat { B() }(x)", "expected an expression after 'repeat', found '{'")]
    [InlineData("h = repeat 2 B()(x)", "expected '{' after the count of 'repeat', found 'B'")]
    [InlineData("h = repeat 2 { B(x; }(x)", "expected ')' after the arguments, found ';'")]
    [InlineData("h = repeat 2 { B(x); }(x)", "expected '}' after the body of 'repeat', found ';'")]
    [InlineData("return", "expected an expression after 'return', found ';'")]
    [InlineData("return x y", "expected ';' after the returned value, found 'y'")]
    [InlineData("loss", "expected '=' after the name, found ';'", "expected an expression after 'loss', found ';'")]
    [InlineData("after { a = 1; }", "expected 'step' after 'after', found '{'")]
    [InlineData("mtp 1 { a = 1; }", "expected 'depth' after 'mtp', found '1'")]
    [InlineData("mtp depth 1 { a = 1; }", "expected ',' and 'weight' after the depth, found '{'")]
    [InlineData("parm w: [D]", "expected a statement such as 'param', found 'parm'")]
    [InlineData("3 = x", "expected a statement, found '3'")]
    [InlineData("h = \0", "'U+0000' has no meaning here")]
    [InlineData("h = 9007199254740993000", "the number is larger than 9007199254740992")]
    public void OneMistakeIsOneDiagnosticAndCostsOneStatement(string statement, string expected, string? orElse = null)
    {
        var source = new SourceText("a.mdl", $"block A(x: [N]) {{\n    first = x;\n    {statement};\n    last = x;\n}}\nblock B(x: [N]) {{ }}\n");
        var result = MdlParser.Parse(source);
        Assert.Contains(Assert.Single(result.Diagnostics).Message, new[] { expected, orElse });
        Assert.Equal(["A", "B"], result.File.Declarations.Select(d => d.Name.Text));
        var body = Assert.IsType<BlockSyntax>(result.File.Declarations[0]).Body;
        Assert.Equal("first = x", Printer.Print(body[0]));
        Assert.Equal("last = x", Printer.Print(body[^1]));
        Tree.Check(source, result);
    }

    [Theory]
    [InlineData("block (x: [N]) { a = 1; }", "expected a name, found '('")]
    [InlineData("block A { a = 1; }", "expected '(' after the name, found '{'")]
    [InlineData("block A(x) { a = 1; }", "expected ':' and a type after the input's name, found ')'")]
    [InlineData("block A(x: [N] y: [N]) { a = 1; }", "expected ',', ';' or ')' after the input's type, found 'y'")]
    [InlineData("block A(x: [N]; a b) { a = 1; }", "expected ',' or ')' after the argument, found 'b'")]
    [InlineData("block A(x: [N]) -> { a = 1; }", "expected a type like '[B, T]', found '{'")]
    [InlineData("block A(x: [N]) = x;", "expected '{' before the body, found '='")]
    [InlineData("preset of Ling { a: 1; }", "expected 'of' and a model after the name, found 'Ling'")]
    [InlineData("preset 1.5 of Ling { a: 1; }", "expected the preset's name, found '1.5'")]
    [InlineData("train T { a; }", "expected 'of' and a model after the name, found '{'")]
    [InlineData("blok A(x: [N]) { a = 1; { } }", "expected a declaration such as 'block', found 'blok'")]
    [InlineData("let a = 1;", "expected a declaration, found 'let'")]
    [InlineData("}", "expected a declaration, found '}'")]
    [InlineData("module Late;", "'module' is the first line of a file, and there is one")]
    [InlineData("import \"late.mdl\";", "'import' comes before all declarations")]
    [InlineData("import late;", "'import' comes before all declarations")]
    [InlineData("diffusion (x: [N, d]) { sampler dpm++2m(steps: 12); train { a: 1; } }", "expected a name, found '('")]
    public void AMistakeInAFirstLineCostsOneDeclaration(string declaration, string expected)
    {
        var source = new SourceText("a.mdl", $"block First(x: [N]) {{ }}\n{declaration}\nblock Last(x: [N]) {{ }}\n");
        var result = MdlParser.Parse(source);
        Assert.Equal(expected, result.Diagnostics[0].Message);
        Assert.Single(result.Diagnostics.Select(d => source.Locate(d.Span.Start).Line).Distinct());
        Assert.True(result.Diagnostics.Count == 1 || declaration == "import late;", string.Join("\n", result.Diagnostics));
        Assert.Equal(["First", "Last"], result.File.Declarations.Select(d => d.Name.Text));
        Tree.Check(source, result);
    }

    [Theory]
    [InlineData("router R(a); experts 4 B(); shared 1 of B();", "expected 'of' and a block after the count, found 'B'")]
    [InlineData("router R(a); expert 4 of B(); shared 1 of B();", "expected 'router', 'experts', 'shared' or 'tokens', found 'expert'")]
    [InlineData("router R(a); tokens; shared 1 of B();", "expected an expression after 'tokens', found ';'")]
    public void ItemsOfMoeRecoverToo(string items, string expected)
    {
        var result = MdlParser.Parse(new("a.mdl", $"moe M(x: [N]) {{ {items} }}"));
        Assert.Equal(expected, Assert.Single(result.Diagnostics).Message);
        Assert.Equal([MoeItemKind.Router, MoeItemKind.Shared], Assert.IsType<MoeSyntax>(Assert.Single(result.File.Declarations)).Items.Select(i => i.Kind));
    }

    [Fact]
    public void BracesThatAreMissingAreTakenAsGiven()
    {
        var source = new SourceText("a.mdl", "block A(x: [N])\n    let a = F();\n    return a(x);\n}\nblock B(x: [N]) {\n    return x;\n\nmodel C(x: int[N]) {\n    return x");
        var result = MdlParser.Parse(source);
        Assert.Equal(
            [
                "MDL0001 2:5-2:8 expected '{' before the body, found 'let'",
                "MDL0001 8:1-8:6 expected '}' at the end of 'B', found 'model'",
                "MDL0001 9:13-9:13 expected ';' after the returned value",
            ],
            Lines(source));
        Assert.Equal([2, 1, 1], result.File.Declarations.Cast<BlockSyntax>().Select(b => b.Body.Count));
    }

    [Fact]
    public void AFirstLineThatCannotBeReadDoesNotHideTheMistakesAfterIt()
    {
        var source = new SourceText("a.mdl", "block A(x) {\n    let = 1;\n    return x\n}\nmodel M(tokens: int[B, T]) {\n    return ;\n}");
        Assert.Equal(
            [
                "MDL0001 1:10-1:11 expected ':' and a type after the input's name, found ')'",
                "MDL0001 2:9-2:10 expected a name after 'let', found '='",
                "MDL0001 3:13-3:13 expected ';' after the returned value",
                "MDL0001 6:12-6:13 expected an expression after 'return', found ';'",
            ],
            Lines(source));
        Assert.Equal(["A"], MdlParser.Parse(source).Skipped);
    }

    [Fact]
    public void LoneSurrogatesAreNamedByTheirNumber()
    {
        // Not inline data above: the test runner would replace the surrogate.
        var diagnostic = Assert.Single(MdlParser.Parse(new("a.mdl", "block A(x: [N]) { h = \uD835; }")).Diagnostics);
        Assert.Equal((DiagnosticIds.UnexpectedCharacter, "'U+D835' has no meaning here"), (diagnostic.Id, diagnostic.Message));
    }

    [Fact]
    public void ErrorsStopAtALimit()
    {
        var result = MdlParser.Parse(new("a.mdl", "block A(x: [N]) {" + string.Concat(Enumerable.Repeat("let = 1;\n", 1000)) + "}"));
        Assert.Equal(101, result.Diagnostics.Count);
        Assert.Equal((DiagnosticIds.TooManyErrors, "more than 100 errors; the rest are not shown"), (result.Diagnostics[^1].Id, result.Diagnostics[^1].Message));
    }

    [Fact]
    public void IdsAreUniqueAndInOrder()
    {
        Assert.Equal(DiagnosticIds.All.Select(kind => kind.Id).Distinct().Order(StringComparer.Ordinal), DiagnosticIds.All.Select(kind => kind.Id));
        Assert.All(DiagnosticIds.All, kind => Assert.Matches("^MDL[0-9]{4}$", kind.Id));
    }

    private static IEnumerable<string> Lines(SourceText source) => MdlParser.Parse(source).Diagnostics.Select(d =>
    {
        var (start, end) = (source.Locate(d.Span.Start), source.Locate(d.Span.End));
        return $"{d.Id} {start.Line + 1}:{start.Column + 1}-{end.Line + 1}:{end.Column + 1} {d.Message}";
    });
}
