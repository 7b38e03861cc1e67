using Mdl.Compiler.Differentiation;
using Mdl.Dsl;

namespace Mdl.Compiler.Tests.Differentiation;

public class GradientTests
{
    public static TheoryData<GradientCase> Cases => [.. GradientCases.All];

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Gradient_is_the_slope(GradientCase @case)
    {
        ArgumentNullException.ThrowIfNull(@case);
        var program = @case.Build(out var results);
        program.CheckGradients(results);
    }

    [Fact]
    public void A_parameter_that_the_loss_does_not_reach_gets_zeros()
    {
        var p = new TestProgram();
        var unused = p.Parameter("unused", [2, 3]);
        var loss = p.Builder.Reduce(ReduceFunction.Sum, p.Parameter("x", [2]), 0);
        var graph = Differentiator.Differentiate(p.Builder.Build(loss, unused), loss, ["unused", "x"]);
        var results = p.Run(graph.Graph);
        Assert.Equal(["unused", "x"], graph.Gradients.Select(g => g.Path));
        Assert.Equal(new double[6], results[2].Data);
        Assert.Equal([1, 1], results[3].Data);
    }

    [Fact]
    public void Forward_nodes_stand_first_and_know_nothing_of_gradients()
    {
        var p = new TestProgram();
        var x = p.Parameter("x", [2]);
        var loss = p.Builder.Reduce(ReduceFunction.Sum, p.Builder.Unary(UnaryFunction.Exp, x), 0);
        var forward = p.Builder.Build(loss);
        var graph = Differentiator.Differentiate(forward, loss, ["x"]);
        Assert.Equal(forward.Nodes, graph.Graph.Nodes.Take(graph.ForwardNodes));
    }

    [Fact]
    public void Slices_that_tile_an_axis_give_one_concat()
    {
        var p = new TestProgram();
        var (b, x) = (p.Builder, p.Parameter("x", [3, 6]));
        var graph = p.CheckGradients(b.Binary(BinaryFunction.Multiply, b.Slice(x, 1, 0, 3), b.Slice(x, 1, 3, 3)));
        Assert.Single(graph.Graph.Nodes, n => n.Operation is Concat);
        Assert.DoesNotContain(graph.Graph.Nodes, n => n.Operation is Pad);
    }

    [Fact]
    public void Contractions_are_never_moved()
    {
        foreach (var (left, right) in new[] { (false, false), (false, true), (true, false), (true, true) })
        {
            var p = new TestProgram();
            var graph = p.CheckGradients(p.Builder.Add(new Contract(left, right), p.Parameter("x", left ? [3, 2] : [2, 3]), p.Parameter("y", right ? [4, 3] : [3, 4])));
            Assert.DoesNotContain(graph.Graph.Nodes, n => n.Operation is Transpose);
        }
    }

    [Fact]
    public void What_has_no_derivative_says_so()
    {
        var p = new TestProgram();
        var logSumExp = p.Builder.AddAll(
            new Attend(AttentionMask.None, 0, 1), p.Parameter("q", [1, 1, 1, 1]), p.Parameter("k", [1, 1, 1, 1]), p.Parameter("v", [1, 1, 1, 1]))[1];
        var e = Assert.Throws<NotSupportedException>(() => Differentiator.Differentiate(p.Builder.Build(logSumExp), logSumExp, ["q"]));
        Assert.Contains("log-sum-exp of attention", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loss_has_one_element_and_parameters_exist()
    {
        var p = new TestProgram();
        var x = p.Parameter("x", [2]);
        var first = p.Builder.Slice(x, 0, 0, 1);
        var e = Assert.Throws<ArgumentException>(() => Differentiator.Differentiate(p.Builder.Build(x), x, ["x"]));
        Assert.Contains("not [2]", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<ArgumentException>(() => Differentiator.Differentiate(p.Builder.Build(first), first, ["nothing"]));
        Assert.Contains("'nothing'", e.Message, StringComparison.Ordinal);
    }
}
