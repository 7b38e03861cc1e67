using System.Diagnostics;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Tests.Syntax;

[Collection(nameof(Alone))]
public class LimitTests
{
    private const int Many = 20_000;

    /// <summary>What nests without end, each as (opening, middle, closing).</summary>
    public static TheoryData<string, string, string> Bombs => new()
    {
        { "(", "x", ")" },
        { "[", "x", "]" },
        { "f(", "x", ")" },
        { "f(a: ", "x", ")" },
        { "x[", "x", "]" },
        { "-", "x", "" },
        { "x^", "x", "" },
        { "x^-", "x", "" },
        { "x + ", "x", "" },
        { "x @ ", "x", "" },
        { "", "x", "'" },
        { "", "x", "()" },
        { "", "x", "[0]" },
        { "", "x", ".a" },
        { "(1 + ", "x", ")" },
        { "(", "x", ") + 1" },
        { "repeat 1 { ", "x", " }" },
        { "repeat ", "x", " { x }" },
        { "repeat 1 { ", "x", " }(x)" },
        { "(", "", "" },
        { "f(", "", "" },
        { "-", "", "" },
        { "repeat 1 {", "", "" },
        { "x + (", "", "" },
    };

    [Theory]
    [MemberData(nameof(Bombs))]
    public void DeepExpressionsAreDiagnosed(string open, string middle, string close)
    {
        var source = Wrap(Repeated(open, Many) + middle + Repeated(close, Many));
        var result = MdlParser.Parse(source);
        Assert.Equal(DiagnosticIds.NestedTooDeeply, result.Diagnostics[0].Id);
        Assert.Equal("nested more than 200 deep", result.Diagnostics[0].Message);
        Assert.InRange(Height(result.File), 1, 10);
    }

    /// <summary>Half the limit is never too deep, however it is reached, and the tree is no higher than twice the limit (a call and its arguments are two nodes).</summary>
    [Theory]
    [MemberData(nameof(Bombs))]
    public void NestingWithinTheLimitIsRead(string open, string middle, string close)
    {
        if (middle == "")
        {
            return; // Unbalanced on purpose.
        }

        var result = MdlParser.Parse(Wrap(Repeated(open, 99) + middle + Repeated(close, 99)));
        Assert.Empty(result.Diagnostics);
        Assert.InRange(Height(result.File), 1, 420);
    }

    [Theory]
    [InlineData("mtp depth 1, weight 1 {")]
    [InlineData("after step {")]
    public void DeepStatementsAreDiagnosed(string open)
    {
        var result = MdlParser.Parse(new("a.mdl", "block A(x: [N]) {" + Repeated(open, Many) + Repeated("}", Many) + "}\nblock B(x: [N]) { }"));
        Assert.Equal(DiagnosticIds.NestedTooDeeply, result.Diagnostics[0].Id);
        Assert.InRange(result.Diagnostics.Count, 1, 5);
        Assert.Equal("B", result.File.Declarations[^1].Name.Text);
    }

    [Fact]
    public void DeepPathsAreDiagnosed()
    {
        var result = MdlParser.Parse(new("a.mdl", "checkpoint C of M { a" + Repeated(".a[i]", Many) + " = \"a\"; b = \"b\"; }"));
        Assert.Equal(DiagnosticIds.NestedTooDeeply, Assert.Single(result.Diagnostics).Id);
        Assert.Single(Assert.IsType<CheckpointSyntax>(Assert.Single(result.File.Declarations)).Items);
    }

    /// <summary>Threads of other platforms have less stack than Linux gives: musl 128 KB by default, macOS 512 KB, Windows 1 MB.</summary>
    [Theory]
    [InlineData(128)]
    [InlineData(512)]
    [InlineData(1024)]
    public void SmallStacksAreEnough(int kilobytes)
    {
        ParseResult? result = null;
        var thread = new Thread(() => result = MdlParser.Parse(Wrap(Repeated("-f(a: [(x^repeat 1 { ", Many))), kilobytes * 1024);
        thread.Start();
        thread.Join();
        Assert.Equal(DiagnosticIds.NestedTooDeeply, result?.Diagnostics[0].Id);
    }

    /// <summary>The main thread of a compiler on Windows has 1 MB; half the limit must fit with room for what called the parser.</summary>
    [Fact]
    public void NestingWithinTheLimitFitsOnAMegabyte()
    {
        ParseResult? result = null;
        var thread = new Thread(() => result = MdlParser.Parse(Wrap(Repeated("(1 + f(a: ", 50) + "x" + Repeated("))", 50))), 1024 * 1024);
        thread.Start();
        thread.Join();
        Assert.Empty(result!.Diagnostics);
    }

    [Fact]
    public void LongListsAreNotDeep()
    {
        var result = MdlParser.Parse(Wrap($"f({Repeated("x, ", Many)}x)"));
        Assert.Empty(result.Diagnostics);
    }

    [Theory]
    [InlineData("x ")]
    [InlineData("\"")]
    [InlineData("/* ")]
    [InlineData("{")]
    [InlineData("}")]
    [InlineData("block A(x: [N]) {")]
    [InlineData("let a = repeat 1 {;")]
    [InlineData("let a = repeat 1 { x; }(x)\n")]
    [InlineData("a = b c\n")]
    [InlineData("# ")]
    [InlineData("1")]
    [InlineData("_")]
    [InlineData("1_")]
    [InlineData("/// a\n")]
    public void LongTextTakesLinearTime(string piece)
    {
        foreach (var text in new[] { Repeated(piece, 20_000), "block A(x: [N]) {" + Repeated(piece, 20_000), "block A(x: [N]) { h = " + Repeated(piece, 20_000) })
        {
            // Some twenty times what it takes; quadratic time would take minutes.
            Assert.InRange(ProcessorTime(() => MdlParser.Parse(new("a.mdl", text))).TotalSeconds, 0, 5);
        }
    }

    [Fact]
    public void ACancelledTokenStopsAtOnce()
    {
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();
        var source = Wrap(Repeated("f(x) + ", 100_000) + "x");
        var time = ProcessorTime(() => Assert.Throws<OperationCanceledException>(() => MdlParser.Parse(source, cancellation.Token)));
        Assert.InRange(time.TotalMilliseconds, 0, 50);
    }

    [Fact]
    public void CancellingStopsWithinMilliseconds()
    {
        var source = new SourceText("a.mdl", string.Concat(Enumerable.Repeat(Files.Ling.Text, 1000)));
        using var cancellation = new CancellationTokenSource();
        var cancelled = TimeSpan.Zero;
        var thread = new Thread(() =>
        {
            Thread.Sleep(30);
            cancelled = Environment.CpuUsage.TotalTime;
            cancellation.Cancel();
        });
        thread.Start();
        Assert.Throws<OperationCanceledException>(() => MdlParser.Parse(source, cancellation.Token));
        var stopped = Environment.CpuUsage.TotalTime;
        thread.Join();
        Assert.InRange((stopped - cancelled).TotalMilliseconds, 0, 50);
    }

    [Fact]
    public void LingIsReadInMilliseconds()
    {
        for (var i = 0; i < 30; i++)
        {
            MdlParser.Parse(Files.Ling);
        }

        const int Runs = 50;
        var total = ProcessorTime(() =>
        {
            for (var i = 0; i < Runs; i++)
            {
                MdlParser.Parse(Files.Ling);
            }
        });
        Assert.InRange(total.TotalMilliseconds / Runs, 0, 5);
    }

    /// <summary>Time on a processor, which does not depend on who else uses the machine.</summary>
    private static TimeSpan ProcessorTime(Action action)
    {
        var before = Environment.CpuUsage.TotalTime;
        action();
        return Environment.CpuUsage.TotalTime - before;
    }

    private static SourceText Wrap(string expression) => new("a.mdl", $"block A(x: [N]) {{ h = {expression}; }}");

    private static string Repeated(string piece, int count) => string.Concat(Enumerable.Repeat(piece, count));

    private static int Height(SyntaxNode node) => 1 + Tree.Children(node).Select(Height).DefaultIfEmpty().Max();
}

/// <summary>Tests that measure processor time of the process run while no other does.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;
