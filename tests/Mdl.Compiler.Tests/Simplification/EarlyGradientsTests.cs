using Mdl.Compiler.Differentiation;
using Mdl.Compiler.Simplification;
using Mdl.Compiler.Verification;
using Mdl.Dsl;

namespace Mdl.Compiler.Tests.Simplification;

public class EarlyGradientsTests
{
    private static readonly Dim T = Dim.Symbol("T");

    [Fact]
    public void The_gradient_of_a_mean_is_known_before_the_loss()
    {
        var moved = Move((b, losses) => Mean(b, losses[0]));
        var loss = Assert.Single(moved.Graph.Nodes, n => n.Operation is LinearCrossEntropyWithGradient);
        Assert.True(moved.Graph.Nodes.ToList().IndexOf(loss) < moved.ForwardNodes);
        Assert.DoesNotContain(moved.Graph.Nodes, n => n.Operation is LinearCrossEntropy or LinearCrossEntropyGradient);
    }

    [Fact]
    public void What_the_gradient_is_computed_from_comes_first()
    {
        // Tokens that do not count: their weights are made after the loss.
        var moved = Move((b, losses) =>
        {
            var weight = b.Unary(UnaryFunction.Exp, b.Add(new Parameter("mask", new(ElementType.F32, [T]))));
            var sum = b.Reshape(b.Reduce(ReduceFunction.Sum, b.Binary(BinaryFunction.Multiply, losses[0], weight), 0));
            return b.Binary(BinaryFunction.Divide, sum, b.Reshape(b.Reduce(ReduceFunction.Sum, weight, 0)));
        });
        Assert.Contains(moved.Graph.Nodes.Take(moved.ForwardNodes), n => n.Operation is LinearCrossEntropyWithGradient);
    }

    [Fact]
    public void A_gradient_that_depends_on_the_loss_stays_behind_it()
    {
        Stays((b, losses) => Mean(b, b.Unary(UnaryFunction.Square, losses[0])));
        Stays((b, losses) => b.Binary(BinaryFunction.Add, Mean(b, losses[0]), Mean(b, b.Unary(UnaryFunction.Square, losses[1]))));

        static void Stays(Func<GraphBuilder, EquatableArray<Value>, Value> loss)
        {
            var moved = Move(loss);
            Assert.Contains(moved.Graph.Nodes.Take(moved.ForwardNodes), n => n.Operation is LinearCrossEntropy);
            Assert.Contains(moved.Graph.Nodes.Skip(moved.ForwardNodes), n => n.Operation is LinearCrossEntropyGradient);
        }
    }

    private static DifferentiatedGraph Move(Func<GraphBuilder, EquatableArray<Value>, Value> loss)
    {
        var b = new GraphBuilder();
        var h = b.Add(new Parameter("h", new(ElementType.F32, [T, 4])));
        var w = b.Add(new Parameter("w", new(ElementType.F32, [5, 4])));
        var target = b.Add(new Input("target", new(ElementType.I32, [T])));
        var result = loss(b, b.AddAll(new LinearCrossEntropy(), h, w, target));
        var moved = EarlyGradients.Move(Simplifier.Run(Differentiator.Differentiate(b.Build(result), result, ["h", "w"])));
        GraphVerifier.Verify(moved.Graph);
        Assert.Equal(3, moved.Graph.Outputs.Count);
        Assert.Equal(moved.Graph.Outputs.Skip(1), moved.Gradients.Select(g => g.Gradient));
        return moved;
    }

    private static Value Mean(GraphBuilder b, Value x) =>
        b.Binary(BinaryFunction.Divide, b.Reshape(b.Reduce(ReduceFunction.Sum, x, 0)), b.Add(new SizeOf(T)));
}
