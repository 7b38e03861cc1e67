using Mdl.Compiler.Differentiation;
using Mdl.Compiler.Simplification;

namespace Mdl.Compiler.Tests.Differentiation;

public class SavePolicyTests
{
    [Fact]
    public void Contractions_statistics_of_wide_rows_and_carried_inputs_are_saved_and_the_rest_is_recomputed()
    {
        var (forward, backward) = Loops(recomputeLayers: false);

        // The carried h, the sum of squares of its rows and the contraction.
        Assert.Equal(4, forward.Body.Outputs.Count);
        Assert.Equal(
            [typeof(Contract), typeof(Input), typeof(Reduce)],
            forward.Body.Outputs.Skip(1).Select(v => forward.Body.Nodes[v.Node].Operation.GetType()).OrderBy(t => t.Name));

        // The backward body has the two contractions of the derivative; tanh and the norm are there again.
        Assert.Equal(2, backward.Body.Nodes.Count(n => n.Operation is Contract));
        Assert.Contains(backward.Body.Nodes, n => n.Operation is Unary { Function: UnaryFunction.Tanh });
        Assert.True(backward.Reverse);
    }

    [Fact]
    public void Recomputed_layers_save_their_carried_inputs_only()
    {
        var (forward, backward) = Loops(recomputeLayers: true);
        Assert.Equal(2, forward.Body.Outputs.Count);
        Assert.IsType<Input>(forward.Body.Nodes[forward.Body.Outputs[1].Node].Operation);
        Assert.Equal(3, backward.Body.Nodes.Count(n => n.Operation is Contract));
    }

    private static (Repeat Forward, Repeat Backward) Loops(bool recomputeLayers)
    {
        var b = new GraphBuilder();
        var h = b.AddNode(new Input("#0", TensorType.F32(2, 64)), [], "h");
        var w = b.Add(new Input("#1", TensorType.F32(64, 64)));
        var norm = b.Unary(UnaryFunction.Rsqrt, b.Reduce(ReduceFunction.Sum, b.Unary(UnaryFunction.Square, h), 1));
        var next = b.Unary(UnaryFunction.Tanh, b.Add(new Contract(false, true), b.Binary(BinaryFunction.Multiply, h, norm), w));
        var body = b.Build(b.Binary(BinaryFunction.Add, h, next));

        var p = new TestProgram();
        var loop = p.Builder.Add(new Repeat(3, 1, 0, body), p.Parameter("h", [2, 64]), p.Parameter("w", [3, 64, 64]));
        var loss = p.Builder.Reduce(ReduceFunction.Sum, loop, 0, 1);
        var graph = Simplifier.Run(Differentiator.Differentiate(p.Builder.Build(loss), loss, ["h", "w"], recomputeLayers));
        var loops = graph.Graph.Nodes.Select(n => n.Operation).OfType<Repeat>().ToArray();
        Assert.Equal(2, loops.Length);
        return (loops[0], loops[1]);
    }
}
