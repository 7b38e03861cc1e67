using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Tests.Syntax;

public class SpanTests
{
    [Fact]
    public void SpansOfTheSamplesAreTight()
    {
        Tree.Check(Files.Ling, MdlParser.Parse(Files.Ling));
        Tree.Check(Files.Moons, MdlParser.Parse(Files.Moons));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void BlanksChangeSpansOnly(int seed)
    {
        // Comments are lost on the way, and with them the docs: compare what is printed of the bodies.
        var text = ExpressionTests.WithBlanks(Files.Ling.Text, new Random(seed));
        var source = new SourceText("ling.mdl", "\uFEFF" + text);
        var result = MdlParser.Parse(source);
        Assert.Empty(result.Diagnostics);
        Tree.Check(source, result);
        Assert.Equal(Bodies(MdlParser.Parse(Files.Ling)), Bodies(result));
    }

    [Fact]
    public void SameTextGivesEqualTrees()
    {
        var again = new SourceText(Files.Ling.Path, new string(Files.Ling.Text.AsSpan()));
        Assert.Equal(MdlParser.Parse(Files.Ling).File, MdlParser.Parse(again).File);
        Assert.NotEqual(MdlParser.Parse(Files.Ling).File, MdlParser.Parse(new(Files.Ling.Path, " " + Files.Ling.Text)).File);
    }

    [Theory]
    [InlineData(typeof(BlockSyntax), "block", "}")]
    [InlineData(typeof(PresetSyntax), "preset", "}")]
    [InlineData(typeof(TrainSyntax), "train", "}")]
    [InlineData(typeof(CheckpointSyntax), "checkpoint", "}")]
    [InlineData(typeof(MoeSyntax), "moe", "}")]
    [InlineData(typeof(ParamSyntax), "param", ";")]
    [InlineData(typeof(StateSyntax), "state", ";")]
    [InlineData(typeof(LetSyntax), "let", ";")]
    [InlineData(typeof(ReturnSyntax), "return", ";")]
    [InlineData(typeof(LossSyntax), "loss", ";")]
    [InlineData(typeof(AfterStepSyntax), "after", "}")]
    [InlineData(typeof(MtpSyntax), "mtp", "}")]
    [InlineData(typeof(SettingSyntax), "", ";")]
    [InlineData(typeof(MappingSyntax), "", ";")]
    [InlineData(typeof(DirectiveSyntax), "", ";")]
    [InlineData(typeof(AssignSyntax), "", ";")]
    public void EveryNodeStartsAndEndsWithItsWords(Type type, string start, string end)
    {
        var nodes = Tree.All(MdlParser.Parse(Files.Ling).File).Where(node => node.GetType() == type).ToList();
        Assert.NotEmpty(nodes);
        Assert.All(nodes, node =>
        {
            var text = Files.Ling.Text.Substring(node.Span.Start, node.Span.Length);
            Assert.True(node is BlockSyntax { Kind: not BlockKind.Block } || text.StartsWith(start, StringComparison.Ordinal), text);
            Assert.EndsWith(end, text);
        });
    }

    private static IEnumerable<string> Bodies(ParseResult result)
        => result.File.Declarations.OfType<BlockSyntax>().SelectMany(block => block.Body).Select(Printer.Print);
}
