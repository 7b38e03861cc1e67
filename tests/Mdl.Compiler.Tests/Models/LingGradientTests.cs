using Mdl.Compiler.Differentiation;
using Mdl.Compiler.Evaluation;
using Mdl.Compiler.Passes;
using Mdl.Compiler.Verification;
using Mdl.Dsl;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Tests.Models;

/// <summary>The gradients of a toy Ling: attention, routing, the routers' z-loss, mtp and repeated layers together.</summary>
public class LingGradientTests
{
    private static readonly Dictionary<string, long> Symbols = new() { ["B"] = 2, ["T"] = 4 };

    private static readonly NDArray Tokens = new([2, 6], [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 10]);

    private static readonly NDArray TargetWeights = new([2, 6], [9, 0, 0, 1, 1, 0.5, 9, 0, 1, 0, 0, 2]);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_of_all_parameters_are_the_slopes(bool recomputeLayers) => CheckGradients(LingModels.Toy, recomputeLayers);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_of_adapters_are_the_slopes(bool recomputeLayers)
    {
        CheckGradients(LingModels.ToyWithAdapters, recomputeLayers);
        Assert.Equal(2 * 26, LingModels.ToyWithAdapters.Parameters.Count(p => p.IsTrained));
    }

    [Fact]
    public void Gradients_beside_frozen_parts_are_the_slopes()
    {
        CheckGradients(LingModels.ToyWithFrozenParts, recomputeLayers: false);
        Assert.DoesNotContain(LingModels.ToyWithFrozenParts.Training.Outputs, o => o.Kind == OutputKind.State);
        var operations = CompilerPasses.Training(LingModels.ToyWithFrozenParts, recomputeLayers: false).Graph.Nodes.Select(n => n.Operation).ToList();
        Assert.Contains(operations, o => o is LinearCrossEntropyWithGradient { OfWeights: false });
        Assert.DoesNotContain(operations, o => o is LinearCrossEntropyWithGradient { OfWeights: true });
    }

    [Fact]
    public void The_loss_is_the_weighted_mean_of_the_targets()
    {
        // Of two weightings of two halves of the targets and of all, the sums of nll add up.
        var model = LingModels.ToyWithFrozenParts;
        var weights = Weights(model);
        double[] first = [0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0], second = [0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0];
        double Nll(double[] targets) => Evaluator.Run(
            model.Training.Graph, Symbols, name => name == "tokens" ? Tokens : new([2, 6], [.. targets]), path => weights[path])[1].Scalar;
        Assert.Equal((3 * Nll(first)) + (5 * Nll(second)), 8 * Nll([.. first.Zip(second, (a, b) => a + b)]), 1e-12);
        Assert.Equal(0, Nll(new double[12]));

        // The first token of a sequence is no target of the main loss, nor is the last, which only multi-token prediction sees.
        Assert.Equal(Nll(first), Nll([5, .. first[1..5], 5, 5, .. first[7..11], 5]));
    }

    private static void CheckGradients(BoundModel model, bool recomputeLayers)
    {
        var weights = Weights(model);
        var graph = CompilerPasses.Training(model, recomputeLayers, (_, g) => GraphVerifier.Verify(g));
        var results = Run(graph.Graph, weights);
        Assert.Equal(Run(model.Training.Graph, weights)[0].Scalar, results[0].Scalar, 1e-12);
        Assert.Equal(model.Parameters.Where(p => p.IsTrained).Select(p => p.Key), graph.Gradients.Select(g => g.Path));

        var random = new Random(5);
        foreach (var (gradient, derived) in graph.Gradients.Zip(results.Skip(model.Training.Outputs.Count)))
        {
            Assert.Contains(derived.Data, g => g != 0);
            for (var sample = 0; sample < 4; sample++)
            {
                var i = random.Next(derived.Data.Length);
                var measured = CentralDifference(model.Training.Graph, weights, gradient.Path, i);

                // h = 1e-5: truncation near h^2 = 1e-10 and rounding 1e-16 / h = 1e-11, times third derivatives of some hundreds in eight norms.
                Assert.True(
                    Math.Abs(derived.Data[i] - measured) <= 2e-7 * Math.Max(1, Math.Abs(measured)),
                    $"{gradient.Path}[{i}]: derived {derived.Data[i]}, measured {measured}");
            }
        }
    }

    [Fact]
    public void Recomputed_layers_have_the_same_gradients()
    {
        var model = LingModels.Toy;
        var weights = Weights(model);
        var saved = Run(CompilerPasses.Training(model, recomputeLayers: false).Graph, weights);
        var recomputed = Run(CompilerPasses.Training(model, recomputeLayers: true).Graph, weights);
        foreach (var (a, b) in saved.Zip(recomputed))
        {
            // The same operations on the same numbers.
            Assert.Equal(a.Data, b.Data);
        }
    }

    [Fact]
    public void States_have_no_gradient_and_their_update_stays()
    {
        var graph = CompilerPasses.Training(LingModels.Toy, recomputeLayers: false);
        Assert.DoesNotContain(graph.Gradients, g => g.Path.EndsWith("router.bias", StringComparison.Ordinal));
        Assert.Equal(LingModels.Toy.Training.Outputs.Count + graph.Gradients.Count, graph.Graph.Outputs.Count);
    }

    private static double CentralDifference(Graph graph, Dictionary<string, NDArray> weights, string path, int index)
    {
        const double H = 1e-5;
        var data = weights[path].Data;
        var value = data[index];
        data[index] = value + H;
        var above = Run(graph, weights)[0].Scalar;
        data[index] = value - H;
        var below = Run(graph, weights)[0].Scalar;
        data[index] = value;
        return (above - below) / (2 * H);
    }

    private static NDArray[] Run(Graph graph, Dictionary<string, NDArray> weights) => Evaluator.Run(graph, Symbols, name => name == "tokens" ? Tokens : TargetWeights, path => weights[path]);

    /// <summary>Weights of order 1, so that every path of the model carries a gradient that differences can see.</summary>
    private static Dictionary<string, NDArray> Weights(BoundModel model)
    {
        var random = new Random(3);
        return model.Parameters.ToDictionary(
            p => p.Key,
            p => NDArray.Build(p.TensorShape.Select(d => (int)d.Constant).ToEquatableArray(), _ => (random.NextDouble() - 0.5) * (p.IsState ? 0.1 : 1.5)));
    }
}
