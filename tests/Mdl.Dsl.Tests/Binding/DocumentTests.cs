using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Tests.Binding;

/// <summary>The examples of docs/language.md are what a reader copies: each compiles.</summary>
public class DocumentTests
{
    private static readonly string Document = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "language.md"));

    private static IEnumerable<string> Examples => Document.Replace("\r", "").Split("```mdl\n").Skip(1).Select(s => s[..s.IndexOf("```", StringComparison.Ordinal)]);

    [Fact]
    public void EveryExampleBinds()
    {
        Assert.True(Examples.Count() >= 9);
        Assert.All(Examples, text => Assert.Empty(Bound.File(text).Lines(text)));
    }

    [Fact]
    public void MixtralIsMixtral()
    {
        var mixtral = Assert.Single(Examples, e => e.StartsWith("module Mixtral;", StringComparison.Ordinal));
        var models = Bound.File(mixtral).Models;
        Assert.Equal(["Mixtral8x7B", "MixtralTiny"], models.Select(m => m.ClassName));
        Assert.Equal(46_702_792_704, models[0].Parameters.Sum(p => p.Size));
        Assert.Equal([32L, 8, 14336, 4096], models[0].Training.Graph.Nodes.Select(n => n.Operation).OfType<Parameter>()
            .Single(p => p.Path == "layers[0..31].ffn.experts.up").ParameterType.Shape.Select(d => d.Constant));
        Assert.Equal(new Top(2), models[0].Forward.All<Top>().Single());
        Assert.Equal(3, models[0].Forward.All<GroupedContract>().Count());
        Assert.Contains(models[0].Training.Outputs, o => o is { Kind: OutputKind.Metric, Name: "aux" });
        Assert.Equal("cosine", models[0].Trains.Single().Schedule);
    }

    [Fact]
    public void EveryDiagnosticIsInTheTable()
    {
        var missing = DiagnosticIds.All.Where(k => !Document.Contains($"| {k.Id} |")).Select(k => k.Id);
        Assert.Empty(missing);
    }
}
