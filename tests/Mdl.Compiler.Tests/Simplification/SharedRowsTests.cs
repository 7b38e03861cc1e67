using Mdl.Compiler.Evaluation;
using Mdl.Compiler.Simplification;
using Mdl.Compiler.Verification;

namespace Mdl.Compiler.Tests.Simplification;

public class SharedRowsTests
{
    private static readonly Dim B = Dim.Symbol("B");

    [Fact]
    public void What_depends_on_the_shared_input_alone_has_one_row()
    {
        var builder = new GraphBuilder();
        var (y, sigma) = (builder.Add(new Input("y", TensorType.F32(B, 3))), builder.Add(new Input("sigma", TensorType.F32(B))));
        var weight = builder.Add(new Parameter("weight", TensorType.F32(4, 3)));
        var column = builder.Reshape(builder.Unary(UnaryFunction.Exp, sigma), B, 1);
        var both = builder.Add(new Concat(1), column, builder.Unary(UnaryFunction.Sin, column), builder.Broadcast(builder.Constant(2), [B, 1]));
        var level = builder.Add(new Contract(false, true), both, weight);
        var shared = Check(builder, builder.Add(new Contract(false, true), y, weight), level);
        var product = Assert.Single(shared.Nodes, n => n.Operation is Contract && n.Types[0].Shape[0].IsOne);
        Assert.Equal(TensorType.F32(1, 4), product.Types[0]);
        Assert.Single(shared.Nodes, n => n.Operation is Contract && n.Types[0].Shape[0].Equals(B));
        Assert.DoesNotContain(shared.Nodes, n => n.Operation is Unary && !n.Types[0].Shape[0].IsOne);
    }

    [Fact]
    public void Layers_that_see_the_shared_input_compute_their_part_of_it_once()
    {
        var body = new GraphBuilder();
        var (h, t, w) = (body.Add(new Input("#0", TensorType.F32(B, 2))), body.Add(new Input("#1", TensorType.F32(B, 2))), body.Add(new Input("#2", TensorType.F32(2, 2))));
        var scale = body.Unary(UnaryFunction.Tanh, body.Add(new Contract(false, true), t, w));
        var layer = body.Build(body.Binary(BinaryFunction.Add, h, body.Binary(BinaryFunction.Multiply, scale, h)));

        var builder = new GraphBuilder();
        var (y, sigma) = (builder.Add(new Input("y", TensorType.F32(B, 2))), builder.Add(new Input("sigma", TensorType.F32(B))));
        var weights = builder.Add(new Parameter("weight", TensorType.F32(3, 2, 2)));
        var level = builder.Broadcast(builder.Reshape(sigma, B, 1), [B, 2]);
        var shared = Check(builder, y, builder.Add(new Repeat(3, 1, 1, layer), y, level, weights));
        var loop = (Repeat)Assert.Single(shared.Nodes, n => n.Operation is Repeat).Operation;
        Assert.Equal(TensorType.F32(1, 2), Assert.Single(loop.Body.Nodes, n => n.Operation is Contract).Types[0]);
    }

    [Fact]
    public void Sums_over_rows_and_other_inputs_stay_as_they_are()
    {
        var builder = new GraphBuilder();
        var (y, sigma) = (builder.Add(new Input("y", TensorType.F32(B, 3))), builder.Add(new Input("sigma", TensorType.F32(B))));
        var sum = builder.Reduce(ReduceFunction.Sum, sigma, 0);
        var flat = builder.Reshape(builder.Broadcast(builder.Reshape(sigma, B, 1), [B, 3]), B * 3);
        Check(builder, builder.Binary(BinaryFunction.Add, y, builder.Reshape(sum, 1, 1)), flat);
    }

    // The values are those of the graph before, and every shape is right.
    private static Graph Check(GraphBuilder builder, params Value[] outputs)
    {
        const int Rows = 5;
        var graph = builder.Build(outputs);
        var shared = Simplifier.Run(SharedRows.Share(graph, "sigma", B));
        GraphVerifier.Verify(shared);
        var random = new Random(1);
        var y = Numbers([Rows, (int)graph.Nodes.First(n => n.Operation is Input { Name: "y" }).Types[0].Last.Constant]);
        var weight = graph.Nodes.FirstOrDefault(n => n.Operation is Parameter) is { } node ? Numbers([.. node.Types[0].Shape.Select(d => (int)d.Constant)]) : Numbers([1]);
        var (expected, actual) = (Run(graph, Rows), Run(shared, 1));
        Assert.Equal(outputs.Length, actual.Count);
        for (var i = 0; i < outputs.Length; i++)
        {
            Assert.Equal(expected[i].Data, actual[i].Data);
        }

        return shared;

        IReadOnlyList<NDArray> Run(Graph program, int levels) => Evaluator.Run(
            program, new Dictionary<string, long> { ["B"] = Rows }, name => name == "y" ? y : new([levels], [.. Enumerable.Repeat(0.7, levels)]), _ => weight);

        NDArray Numbers(int[] shape) => new([.. shape], [.. Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b)).Select(_ => random.NextDouble())]);
    }
}
