using Mdl.Compiler.Simplification;
using Mdl.Compiler.Verification;

namespace Mdl.Compiler.Tests.Simplification;

public class SimplifierTests
{
    private static readonly Dim T = Dim.Symbol("T");

    [Fact]
    public void Neutral_elements_go()
    {
        Same((b, x) => b.Binary(BinaryFunction.Add, x, 0));
        Same((b, x) => b.Binary(BinaryFunction.Add, b.Constant(0), x));
        Same((b, x) => b.Binary(BinaryFunction.Subtract, x, 0));
        Same((b, x) => b.Binary(BinaryFunction.Multiply, x, 1));
        Same((b, x) => b.Binary(BinaryFunction.Multiply, b.Constant(1), x));
        Same((b, x) => b.Binary(BinaryFunction.Divide, x, 1));
        Same((b, x) => b.Binary(BinaryFunction.Power, x, 1));
        Same((b, x) => b.Unary(UnaryFunction.Negate, b.Unary(UnaryFunction.Negate, x)));
        Same((b, x) => b.Select(b.Constant(1), x, b.Constant(7)));
    }

    [Fact]
    public void Views_that_change_nothing_go()
    {
        Same((b, x) => b.Reshape(b.Reshape(x, T * 4), T, 4));
        Same((b, x) => b.Transpose(b.Transpose(x, 1, 0), 1, 0));
        Same((b, x) => b.Add(new Concat(1), b.Slice(x, 1, 0, 1), b.Slice(x, 1, 1, 3)));
        Same((b, x) => b.Slice(b.Add(new Pad(1, 2, 3), x), 1, 2, 4));
        Same((b, x) => b.Slice(b.Add(new Concat(0), b.Unary(UnaryFunction.Exp, x), x), 0, T, T));
    }

    [Fact]
    public void Constants_fold()
    {
        Becomes((b, x) => b.Binary(BinaryFunction.Multiply, x, 0), (b, _) => b.Broadcast(b.Constant(0), [T, 4]));
        Becomes((b, _) => b.Unary(UnaryFunction.Exp, b.Constant(0)), (b, _) => b.Constant(1));
        Becomes((b, _) => b.Binary(BinaryFunction.Divide, b.Constant(3), 2), (b, _) => b.Constant(1.5));
        Becomes(
            (b, _) => b.Reduce(ReduceFunction.Sum, b.Broadcast(b.Constant(0.5), [T, 4]), 1),
            (b, _) => b.Broadcast(b.Constant(2), [T, 1]));
        Becomes(
            (b, _) => b.Reduce(ReduceFunction.Sum, b.Broadcast(b.Constant(0.5), [T, 4]), 0),
            (b, _) =>
            {
                var half = b.Constant(0.5);
                return b.Broadcast(b.Binary(BinaryFunction.Multiply, b.Add(new SizeOf(T)), half), [1, 4]);
            });
        Becomes(
            (b, x) => b.Binary(BinaryFunction.Multiply, b.Binary(BinaryFunction.Multiply, b.Constant(2), x), 3),
            (b, x) => b.Binary(BinaryFunction.Multiply, x, 6));
        Becomes((b, x) => b.Binary(BinaryFunction.Power, x, 2), (b, x) => b.Unary(UnaryFunction.Square, x));
        Becomes(
            (b, x) => b.Add(new Contract(false, true), b.Binary(BinaryFunction.Multiply, x, 0), x),
            (b, _) => b.Broadcast(b.Constant(0), [T, T]));
    }

    [Fact]
    public void Functions_are_computed_before_stretching() => Becomes(
        (b, x) => b.Unary(UnaryFunction.Exp, b.Broadcast(b.Reduce(ReduceFunction.Sum, x, 1), [T, 4])),
        (b, x) => b.Broadcast(b.Unary(UnaryFunction.Exp, b.Reduce(ReduceFunction.Sum, x, 1)), [T, 4]));

    [Fact]
    public void Infinities_are_left_to_the_run() => Becomes(
        (b, _) => b.Unary(UnaryFunction.Log, b.Constant(0)), (b, _) => b.Unary(UnaryFunction.Log, b.Constant(0)));

    [Fact]
    public void Gradients_stop_until_they_have_been_derived()
    {
        var b = new GraphBuilder();
        var x = b.Add(new Parameter("x", TensorType.F32(T, 4)));
        var graph = b.Build(b.Unary(UnaryFunction.StopGradient, x));
        Assert.Equal(2, Simplifier.Run(graph).Nodes.Count);
        Assert.Single(Simplifier.Run(graph, isDifferentiated: true).Nodes);
    }

    [Fact]
    public void Dead_nodes_go_and_outputs_stay()
    {
        var b = new GraphBuilder();
        var x = b.Add(new Parameter("x", TensorType.F32(4)));
        b.Unary(UnaryFunction.Exp, b.Add(new Parameter("dead", TensorType.F32(4))));
        var simple = Simplifier.Run(b.Build(x, x, b.Binary(BinaryFunction.Add, x, 0)));
        Assert.Single(simple.Nodes);
        Assert.Equal(3, simple.Outputs.Count);
    }

    [Fact]
    public void Repeated_bodies_lose_what_nobody_needs()
    {
        // Carries: x (needed), same (handed on unchanged), dead (read by itself only). Slices: w, unused. Results: used, unused, constant, slice, twin.
        var body = new GraphBuilder();
        Value[] i = [.. Enumerable.Range(0, 7).Select(k => body.Add(new Input("#" + k, TensorType.F32(2))))];
        var (x, same, dead, scale, zero, w) = (i[0], i[1], i[2], i[3], i[4], i[5]);
        var next = body.Binary(BinaryFunction.Add, body.Binary(BinaryFunction.Multiply, body.Binary(BinaryFunction.Add, x, zero), w), body.Binary(BinaryFunction.Multiply, scale, same));
        var used = body.Unary(UnaryFunction.Sin, next);
        var graph = body.Build(
            next, same, body.Unary(UnaryFunction.Exp, dead), used, body.Unary(UnaryFunction.Cos, next), body.Broadcast(body.Constant(3), [2]), w, used);

        var p = new TestProgram();
        var b = p.Builder;
        var start = p.Parameter("x", [2]);
        var shared = p.Parameter("shared", [2]);
        var slices = p.Parameter("w", [3, 2]);
        var loop = b.AddAll(
            new Repeat(3, 3, 2, graph), start, shared, p.Parameter("dead", [2]), shared, b.Broadcast(b.Constant(0), [2]), slices, p.Parameter("unused", [3, 2]));
        var before = b.Build(loop[0], loop[1], loop[3], loop[5], loop[6], loop[7]);
        var simple = Simplifier.Run(before);
        GraphVerifier.Verify(simple);

        var (node, repeat) = simple.Nodes.Where(n => n.Operation is Repeat).Select(n => (n, (Repeat)n.Operation)).Single();
        Assert.Equal((1, 1), (repeat.Carried, repeat.Invariants));
        Assert.Equal(["x", "shared", "w"], node.Inputs.Select(v => ((Parameter)simple.Nodes[v.Node].Operation).Path));
        Assert.Equal(2, repeat.Body.Outputs.Count);
        Assert.Equal(simple.Outputs[2], simple.Outputs[5]);
        Assert.IsType<Parameter>(simple.Nodes[simple.Outputs[1].Node].Operation);
        Assert.IsType<Parameter>(simple.Nodes[simple.Outputs[4].Node].Operation);
        foreach (var (wanted, actual) in p.Run(before).Zip(p.Run(simple)))
        {
            Assert.Equal(wanted.Data, actual.Data);
        }
    }

    [Fact]
    public void Loops_that_yield_nothing_go()
    {
        var body = new GraphBuilder();
        var x = body.Add(new Input("#0", TensorType.F32(2)));
        var w = body.Add(new Input("#1", TensorType.F32(2)));
        var b = new GraphBuilder();
        var loop = b.AddAll(
            new Repeat(3, 1, 0, body.Build(x, w)), b.Add(new Parameter("x", TensorType.F32(2))), b.Add(new Parameter("w", TensorType.F32(3, 2))));
        var simple = Simplifier.Run(b.Build(loop));
        Assert.All(simple.Nodes, n => Assert.IsType<Parameter>(n.Operation));
    }

    private static void Same(Func<GraphBuilder, Value, Value> build) => Becomes(build, (_, x) => x);

    private static void Becomes(Func<GraphBuilder, Value, Value> build, Func<GraphBuilder, Value, Value> wanted)
    {
        var simple = Simplifier.Run(Build(build));
        GraphVerifier.Verify(simple);
        Assert.Equal(Simplifier.Run(Build(wanted)).Dump(), simple.Dump());

        // What is wanted must be in normal form itself, or the comparison says nothing.
        Assert.Equal(Build(wanted).Nodes.Count(n => n.Operation is not Parameter), simple.Nodes.Count(n => n.Operation is not Parameter));
    }

    private static Graph Build(Func<GraphBuilder, Value, Value> build)
    {
        var b = new GraphBuilder();
        return b.Build(build(b, b.Add(new Parameter("x", TensorType.F32(T, 4)))));
    }
}
