using Mdl.Compiler.Differentiation;
using Mdl.Compiler.Simplification;
using Mdl.Dsl;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Passes;

/// <summary>Called with the name of a pass and the graph after it.</summary>
public delegate void GraphDump(string pass, Graph graph);

/// <summary>The passes of the compiler, in order.</summary>
public static class CompilerPasses
{
    /// <summary>The training graph of a model with the gradients of its trainable parameters, in the order of <see cref="BoundModel.Parameters"/>.</summary>
    public static DifferentiatedGraph Training(BoundModel model, bool recomputeLayers, GraphDump? dump = null)
    {
        var trainable = model.Parameters.Where(p => p.IsTrained).ToArray();
        dump?.Invoke("elaborate", model.Training.Graph);

        // Simplified once before, so that nothing is differentiated in vain.
        var forward = Simplifier.Run(model.Training.Graph);
        dump?.Invoke("simplify-forward", forward);
        forward = ConstantTables.Compute(forward);
        dump?.Invoke("constant-tables", forward);

        // Before derivatives are taken, so that those of the products follow.
        forward = RowScales.Move(forward);
        dump?.Invoke("row-scales", forward);
        forward = Simplifier.Run(LoopInvariants.Hoist(forward));
        dump?.Invoke("loop-invariants", forward);

        forward = Declare(forward, trainable);
        var loss = forward.Outputs[IndexOfLoss(model.Training)];
        var differentiated = Differentiator.Differentiate(forward, loss, [.. trainable.Select(p => p.Key)], recomputeLayers);
        dump?.Invoke("differentiate", differentiated.Graph);

        differentiated = Simplifier.Run(differentiated);
        dump?.Invoke("simplify", differentiated.Graph);

        differentiated = EarlyGradients.Move(differentiated);
        dump?.Invoke("early-gradients", differentiated.Graph);
        return differentiated;
    }

    /// <summary>The graph of a model's forward function.</summary>
    public static Graph Forward(BoundModel model, GraphDump? dump = null) => Inference(model.Forward.Graph, dump);

    /// <summary>The denoiser of a diffusion's network, at one noise level for all samples: its input "sigma" has one row.</summary>
    public static Graph Denoising(BoundModel model, GraphDump? dump = null) => Inference(AtOneLevel(model), dump);

    /// <summary>The denoiser and v' dD/dy, at one noise level for all samples; see <see cref="Pullback(Graph, string, GraphDump?)"/>.</summary>
    public static DifferentiatedGraph DenoisingPullback(BoundModel model, GraphDump? dump = null) => Pullback(AtOneLevel(model), "y", dump);

    /// <summary>A graph of which no derivatives are taken.</summary>
    public static Graph Inference(Graph graph, GraphDump? dump = null)
    {
        dump?.Invoke("elaborate", graph);
        var simple = Simplifier.Run(graph, isDifferentiated: true);
        dump?.Invoke("simplify", simple);
        simple = ConstantTables.Compute(simple);
        dump?.Invoke("constant-tables", simple);
        simple = RowScales.Move(simple);
        dump?.Invoke("row-scales", simple);
        simple = Simplifier.Run(LoopInvariants.Hoist(simple), isDifferentiated: true);
        dump?.Invoke("loop-invariants", simple);
        return simple;
    }

    /// <summary>
    /// A graph with its first output and, after it, v' J: what a cotangent v, the new input "direction", of the shape of that output, becomes by the derivative of the
    /// output by an input.
    /// </summary>
    /// <param name="graph">The graph.</param>
    /// <param name="input">The input, which becomes the parameter of this name.</param>
    /// <param name="dump">Told of each pass.</param>
    public static DifferentiatedGraph Pullback(Graph graph, string input, GraphDump? dump = null)
    {
        var place = graph.Nodes.ToList().FindIndex(n => n.Operation is Input i && i.Name == input);
        var nodes = graph.Nodes.Select((n, i) => i == place ? n with { Operation = new Parameter(input, n.Types[0]) } : n).ToEquatableArray();
        var builder = new GraphBuilder();
        var copy = GraphCopy.Append(builder, new(nodes, graph.Outputs));
        var output = copy(graph.Outputs[0]);
        var direction = builder.Add(new Input("direction", builder.Type(output)));
        var product = builder.Binary(BinaryFunction.Multiply, output, direction);
        var sum = builder.Reshape(builder.Reduce(ReduceFunction.Sum, product, Enumerable.Range(0, builder.Type(product).Rank)));
        var forward = Simplifier.Run(builder.Build(output, sum));
        forward = Simplifier.Run(LoopInvariants.Hoist(RowScales.Move(forward)));
        dump?.Invoke("simplify-forward", forward);
        var differentiated = Differentiator.Differentiate(forward with { Outputs = [forward.Outputs[0]] }, forward.Outputs[1], [input]);
        dump?.Invoke("differentiate", differentiated.Graph);
        differentiated = Simplifier.Run(differentiated);
        dump?.Invoke("simplify", differentiated.Graph);
        return differentiated;
    }

    private static Graph AtOneLevel(BoundModel model) => SharedRows.Share(model.Forward.Graph, "sigma", Dim.Symbol("B"));

    private static int IndexOfLoss(BoundGraph graph) => graph.Outputs.Select(o => o.Kind).ToList().IndexOf(OutputKind.Loss);

    /// <summary>Adds nodes for parameters that no pass has left a use of: their gradients are zeros.</summary>
    private static Graph Declare(Graph graph, IEnumerable<BoundParameter> parameters)
    {
        var known = new HashSet<string>(graph.Nodes.Select(n => n.Operation).OfType<Parameter>().Select(p => p.Path));
        var missing = parameters.Where(p => !known.Contains(p.Key)).Select(p =>
        {
            var type = new TensorType(ElementType.F32, p.TensorShape);
            return new Node(new Parameter(p.Key, type), [], [type], p.Origin, "");
        });
        return graph with { Nodes = graph.Nodes.Concat(missing).ToEquatableArray() };
    }
}
