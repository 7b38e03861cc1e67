using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Tests.Binding;

public class LingTests
{
    private static readonly Compilation Ling = Bound.File(Bound.Sample("LingNano/ling.mdl"));

    private static BoundModel Model(string name) => Assert.Single(Ling.Models, m => m.ClassName == name);

    [Fact]
    public void AllPresetsBind()
    {
        Assert.Empty(Ling.Diagnostics);
        Assert.Equal(["LingNano", "LingMini", "LingFlash", "Ling1T"], Ling.Models.Select(m => m.ClassName));
        Assert.Equal("Ling", Ling.Module);
    }

    // Published totals count the main model and the routers' biases: 16.256 B, 102.890 B and 999.705 B.
    [Theory]
    [InlineData("LingMini", 16.256)]
    [InlineData("LingFlash", 102.890)]
    [InlineData("Ling1T", 999.705)]
    public void ParameterCountsAreThePublishedOnes(string name, double billions)
    {
        var total = Model(name).Parameters.Where(p => !p.Path.StartsWith("mtp.", StringComparison.Ordinal)).Sum(p => p.Size);
        Assert.Equal(billions, Math.Round(total / 1e9, 3));
    }

    // What one layer of multi-token prediction adds: 0.828 B, 3.306 B and 13.22 B.
    [Theory]
    [InlineData("LingMini", 0.828, 3)]
    [InlineData("LingFlash", 3.306, 3)]
    [InlineData("Ling1T", 13.22, 2)]
    public void MtpParameterCountsAreThePublishedOnes(string name, double billions, int digits)
    {
        var total = Model(name).Parameters.Where(p => p.Path.StartsWith("mtp.", StringComparison.Ordinal)).Sum(p => p.Size);
        Assert.Equal(billions, Math.Round(total / 1e9, digits));
    }

    // The tensors that the published checkpoints have without multi-token prediction, which adds 783.
    [Theory]
    [InlineData("LingMini", 14813)]
    [InlineData("LingFlash", 24161)]
    [InlineData("Ling1T", 59243)]
    public void CheckpointHasTheTensorsOfThePublishedOne(string name, int count)
    {
        var model = Model(name);
        var checkpoint = Assert.Single(model.Checkpoints);
        Assert.Equal(model.Parameters.Select(p => p.Key).Order(), checkpoint.Tensors.Select(t => t.ParameterKey).Order());
        int Count(bool mtp) => checkpoint.Tensors.Where(t => t.ParameterKey.StartsWith("mtp.", StringComparison.Ordinal) == mtp).Sum(t =>
        {
            var parameter = model.Parameter(t.ParameterKey);
            return Math.Max(1, parameter.Repeats) * (t.Pattern.Contains("{e}", StringComparison.Ordinal) ? (int)parameter.Shape[0] : 1);
        });
        Assert.Equal(count, Count(false));
        Assert.Equal(783, Count(true));
        var last = checkpoint.Tensors.Single(t => t.ParameterKey == "mtp.layer.ffn.experts.up");
        Assert.Equal($"model.layers.{model.Arguments.Single(a => a.Name == "layers").Value}.mlp.experts.{{e}}.up_proj.weight", last.Pattern);
    }

    [Fact]
    public void ParametersLieWhereTheSourceSays()
    {
        var nano = Model("LingNano");
        var dense = nano.Parameter("layers[0..0].attention.qkv");
        Assert.Equal("layers[{i}].attention.qkv", dense.Path);
        Assert.Equal((1, 0), (dense.Repeats, dense.FirstIndex));
        var sparse = nano.Parameter("layers[1..3].ffn.experts.up");
        Assert.Equal((3, 1), (sparse.Repeats, sparse.FirstIndex));
        Assert.Equal([32L, 128, 256], sparse.Shape);
        Assert.Equal([256L, 512], nano.Parameter("mtp.project").Shape);
        Assert.Equal(new Initializer(false, 0), nano.Parameter("layers[1..3].ffn.router.bias").Initial);
        Assert.True(nano.Parameter("mtp.layer.ffn.router.bias").IsState);
        Assert.Equal(new Initializer(true, 0.02), nano.Parameter("embed.weight").Initial);
        Assert.Equal(new Initializer(false, 1), nano.Parameter("norm.weight").Initial);
    }

    [Fact]
    public void ForwardYieldsLogits()
    {
        var forward = Model("LingNano").Forward;
        Assert.Equal([new GraphOutput(OutputKind.Result, "logits"), new GraphOutput(OutputKind.Carried, "h")], forward.Outputs);
        Assert.Equal("[B, T, 256]", forward.Graph.Type(forward.Graph.Outputs[0]).ToString());
        Assert.Equal("int[B, T]", forward.Graph.Nodes[0].Types[0].ToString());
        Assert.Equal([1, 3], forward.All<Repeat>().Select(r => r.Count));
    }

    [Fact]
    public void TrainingYieldsLossMetricsLoadsAndStates()
    {
        var training = Model("LingNano").Training;
        string[] expected =
        [
            "Loss loss", "Metric nll", "Metric mtp", "Metric aux", "Load layers[1..3].ffn", "Load mtp.layer.ffn",
            "State layers[1..3].ffn.router.bias", "State mtp.layer.ffn.router.bias",
        ];
        Assert.Equal(expected, training.Outputs.Select(o => $"{o.Kind} {o.Name}"));
        Assert.Equal("int[B, T + 2]", training.Graph.Nodes[0].Types[0].ToString());
        Assert.Equal(["[]", "[]", "[]", "[]", "[3, 32]", "[32]", "[3, 32]", "[32]"], training.Graph.Outputs.Select(v => training.Graph.Type(v).ToString()));
        Assert.Equal(2, training.All<LinearCrossEntropy>().Count());
        Assert.DoesNotContain(training.All<Parameter>(), p => Model("LingNano").Parameters.All(b => b.Key != p.Path));
    }

    [Fact]
    public void RouterChoosesFromTheBestGroups()
    {
        var top = Model("Ling1T").Forward.All<Top>().Single();
        Assert.Equal(new Top(8, 8, 4, 2), top);
        Assert.Equal(new Dispatch(256, 0), Model("Ling1T").Forward.All<Dispatch>().Single());
    }

    [Fact]
    public void TrainSettingsAreRead()
    {
        var train = Assert.Single(Model("LingNano").Trains);
        Assert.Equal(
            TrainSettings.Default with { Name = "Pretrain", LearningRate = 2e-3, Schedule = "wsd", Warmup = 40, DecayShare = 0.3, FinalRate = 0.05 },
            train);
    }
}
