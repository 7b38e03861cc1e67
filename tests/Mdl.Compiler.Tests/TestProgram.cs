using Mdl.Compiler.Differentiation;
using Mdl.Compiler.Evaluation;
using Mdl.Compiler.Simplification;
using Mdl.Compiler.Verification;
using Mdl.Dsl;

namespace Mdl.Compiler.Tests;

/// <summary>A graph under construction together with data for its leaves.</summary>
internal sealed class TestProgram
{
    private readonly Dictionary<string, NDArray> _inputs = [];
    private readonly Dictionary<string, NDArray> _parameters = [];

    public GraphBuilder Builder { get; } = new();

    public Dictionary<string, long> Symbols { get; } = new() { ["B"] = 2, ["T"] = 3 };

    /// <summary>A parameter drawn evenly between two bounds; the same name always draws the same numbers.</summary>
    public Value Parameter(string name, EquatableArray<Dim> shape, double low = -1, double high = 1)
    {
        _parameters[name] = Draw(name, shape, low, high);
        return Builder.AddNode(new Parameter(name, new(ElementType.F32, shape)), [], name);
    }

    public Value Ints(string name, EquatableArray<Dim> shape, params double[] values)
    {
        _inputs[name] = new(Sizes(shape), values);
        return Builder.Add(new Input(name, new(ElementType.I32, shape)));
    }

    public NDArray[] Run(params Value[] outputs) => Run(Builder.Build(outputs));

    public NDArray[] Run(Graph graph) => Evaluator.Run(graph, Symbols, name => _inputs[name], path => _parameters[path]);

    /// <summary>
    /// Compares the gradients of a weighted sum of the values, by each element of each parameter, with central differences: with repeated bodies saved
    /// and recomputed, before and after simplification.
    /// </summary>
    public DifferentiatedGraph CheckGradients(params Value[] values)
    {
        var loss = Builder.Constant(0);
        foreach (var value in values)
        {
            // Weights see to it that no two elements count the same.
            var shape = Builder.Type(value).Shape;
            var name = $"weight {value}";
            _inputs[name] = Draw(name, shape, 0.5, 1.5);
            var weighted = Builder.Binary(BinaryFunction.Multiply, value, Builder.Add(new Input(name, new(ElementType.F32, shape))));
            loss = Builder.Binary(BinaryFunction.Add, loss, Builder.Reshape(Builder.Reduce(ReduceFunction.Sum, weighted, Enumerable.Range(0, shape.Count))));
        }

        var forward = Builder.Build(loss);
        string[] paths = [.. _parameters.Keys];
        var numeric = paths.Select(p => CentralDifferences(forward, _parameters[p].Data)).ToArray();
        DifferentiatedGraph[] graphs =
        [
            Differentiator.Differentiate(forward, loss, paths),
            Differentiator.Differentiate(forward, loss, paths, recomputeLayers: true),
        ];
        foreach (var graph in graphs)
        {
            CheckGradients(forward, graph, numeric);
            CheckGradients(forward, Simplifier.Run(graph), numeric);
            CheckGradients(forward, EarlyGradients.Move(Simplifier.Run(graph)), numeric);
        }

        return Simplifier.Run(graphs[0]);
    }

    private void CheckGradients(Graph forward, DifferentiatedGraph graph, double[][] numeric)
    {
        GraphVerifier.Verify(graph.Graph);
        var results = Run(graph.Graph);

        // Simplification changes the order of products and sums: a few roundings of 1e-16 each.
        Assert.Equal(Run(forward)[0].Scalar, results[0].Scalar, 1e-12);
        foreach (var (path, analytic, wanted) in graph.Gradients.Select((g, i) => (g.Path, results[1 + i].Data, numeric[i])))
        {
            for (var i = 0; i < analytic.Length; i++)
            {
                // h = 1e-5: the error of the difference is near h^2 = 1e-10 by truncation and 1e-16 / h = 1e-11 by rounding, times third derivatives
                // of some tens.
                if (Math.Abs(analytic[i] - wanted[i]) is var error && !(error <= 1e-7 * Math.Max(1, Math.Abs(wanted[i]))))
                {
                    Assert.Fail($"{path}[{i}]: derived {analytic[i]}, measured {wanted[i]}\n{graph.Graph.Dump()}");
                }
            }
        }
    }

    private double[] CentralDifferences(Graph forward, double[] data) =>
        [.. Enumerable.Range(0, data.Length).Select(i => CentralDifference(forward, data, i))];

    private double CentralDifference(Graph forward, double[] data, int index)
    {
        const double H = 1e-5;
        var value = data[index];
        data[index] = value + H;
        var above = Run(forward)[0].Scalar;
        data[index] = value - H;
        var below = Run(forward)[0].Scalar;
        data[index] = value;
        return (above - below) / (2 * H);
    }

    private EquatableArray<int> Sizes(EquatableArray<Dim> shape) => shape.Select(d => (int)d.Evaluate(Symbols)).ToEquatableArray();

    private NDArray Draw(string name, EquatableArray<Dim> shape, double low, double high)
    {
        // Not string.GetHashCode: it differs from run to run.
        var random = new Random(name.Aggregate(17, (hash, c) => unchecked((hash * 31) + c)));
        return NDArray.Build(Sizes(shape), _ => low + ((high - low) * random.NextDouble()));
    }
}
