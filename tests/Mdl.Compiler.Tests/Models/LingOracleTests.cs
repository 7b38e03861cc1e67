using System.Globalization;
using Mdl.Compiler.Evaluation;
using Mdl.Compiler.Passes;

namespace Mdl.Compiler.Tests.Models;

/// <summary>
/// The sample's ling.mdl on a random checkpoint in published layout, against logits of independent implementations: llama.cpp for the model, a
/// double-precision program for the mtp head. What the file and the binder mean is Ling, or this fails.
/// </summary>
public class LingOracleTests
{
    // The logits on file are float32 results of float32 arithmetic: they are of order 1 and carry about 1e-6 of rounding.
    private const double Tolerance = 2e-5;

    private static readonly double[] Tokens = [.. File.ReadAllText(LingModels.DataPath("ling-tiny/tokens.txt"))
        .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(t => double.Parse(t, CultureInfo.InvariantCulture))];

    private static readonly Dictionary<string, NDArray> Weights = ReadWeights();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Logits_are_those_of_llama_cpp(bool simplified)
    {
        var graph = simplified ? CompilerPasses.Forward(LingModels.Fixture) : LingModels.Fixture.Forward.Graph;
        var logits = Run(graph, Tokens.Length, Tokens)[0];
        AssertClose("ling-tiny/logits.f32", logits);
    }

    [Fact]
    public void Mtp_logits_are_those_of_the_independent_implementation()
    {
        // The training graph never forms logits: they are put together from the operands of the loss whose targets are two tokens ahead.
        var graph = LingModels.Fixture.Training.Graph;
        var loss = graph.Nodes.Single(n => n.Operation is LinearCrossEntropy && SliceOf(graph, n.Inputs[2]).Start.Equals(2));

        // Positions 0 to n - 2; the token after the last known one is a target only.
        var operands = Run(graph with { Outputs = [loss.Inputs[0], loss.Inputs[1]] }, Tokens.Length - 1, [.. Tokens, 0]);
        var b = new GraphBuilder();
        var h = b.Add(new Input("h", TensorType.F32(Tokens.Length - 1, 64)));
        var contract = b.Build(b.Add(new Contract(false, true), h, b.Add(new Input("w", TensorType.F32(320, 64)))));
        var logits = Evaluator.Run(contract, new Dictionary<string, long>(), name => operands[name == "h" ? 0 : 1], _ => operands[0])[0];
        AssertClose("ling-tiny/mtp_logits.f32", logits);
    }

    private static Slice SliceOf(Graph graph, Value targets) => (Slice)graph.Nodes[graph.Nodes[targets.Node].Inputs[0].Node].Operation;

    private static NDArray[] Run(Graph graph, int time, double[] tokens) => Evaluator.Run(
        graph,
        new Dictionary<string, long> { ["B"] = 1, ["T"] = time },
        _ => new NDArray([1, tokens.Length], tokens),
        path => Weights[path]);

    private static Dictionary<string, NDArray> ReadWeights()
    {
        var file = new HuggingFaceLing(LingModels.DataPath("ling-tiny/model.safetensors"));
        return LingModels.Fixture.Parameters.ToDictionary(p => p.Key, p => file.Read(p, layers: 3));
    }

    private static void AssertClose(string file, NDArray logits)
    {
        var wanted = HuggingFaceLing.ReadFloats(LingModels.DataPath(file));
        Assert.Equal(wanted.Length, logits.Data.Length);
        var worst = wanted.Zip(logits.Data, (w, l) => Math.Abs(w - l)).Max();
        Assert.True(worst <= Tolerance, $"logits differ by {worst}");

        // Not by being flat: random weights spread the logits.
        Assert.True(wanted.Max() - wanted.Min() > 0.1);
    }
}
