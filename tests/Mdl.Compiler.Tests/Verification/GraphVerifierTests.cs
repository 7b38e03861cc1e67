using Mdl.Compiler.Verification;
using Mdl.Dsl;

namespace Mdl.Compiler.Tests.Verification;

public class GraphVerifierTests
{
    private static readonly TensorType Row = TensorType.F32(2);
    private static readonly Node X = new(new Parameter("x", Row), [], [Row], new("a.mdl", 3), "x");

    [Fact]
    public void Order_is_checked() => Refuses("not computed before it", X, Exp(new Value(1)));

    [Fact]
    public void Outputs_of_a_node_are_checked() => Refuses("not computed before it", X, Exp(new Value(0, 1)));

    [Fact]
    public void Types_are_checked() => Refuses("its types should be", X, Exp(new Value(0)) with { Types = [TensorType.F32(3)] });

    [Fact]
    public void Shape_rules_are_checked() => Refuses("Exp wants", X with { Operation = new Parameter("i", TensorType.I32(2)), Types = [TensorType.I32(2)] }, Exp(new Value(0)));

    [Fact]
    public void A_parameter_has_one_type() => Refuses(
        "another type", X, X with { Operation = new Parameter("x", TensorType.F32(3)), Types = [TensorType.F32(3)] });

    [Fact]
    public void Graph_outputs_are_checked()
    {
        var e = Assert.Throws<GraphException>(() => GraphVerifier.Verify(new([X], [new Value(4)])));
        Assert.Contains("yields a value", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Repeated_bodies_are_checked()
    {
        Node input = new(new Input("#0", Row), [], [Row], Origin.None, "");
        Refuses("not computed before it", X, Loop(new([input, Exp(new Value(1))], [new Value(1)])));
        Refuses("its first nodes", X, Loop(new([input, input with { Operation = new Input("y", Row) }], [new Value(0)])));
        Refuses("does not have 1 inputs", X, Loop(new([input, input with { Operation = new Input("#1", Row) }], [new Value(0)])));
        Refuses("invariants or slices", X, Loop(new([input, X], [new Value(0)])));
    }

    [Fact]
    public void The_message_shows_node_and_place()
    {
        var e = Assert.Throws<GraphException>(() => GraphVerifier.Verify(new([X, Exp(new Value(1)) with { Origin = new("a.mdl", 7), Name = "y" }], [])));
        Assert.Contains("%1 = Unary { Function = Exp }(%1) : [2] [y a.mdl:7]", e.Message, StringComparison.Ordinal);
    }

    private static Node Exp(Value x) => new(new Unary(UnaryFunction.Exp), [x], [Row], Origin.None, "");

    private static Node Loop(Graph body) => new(new Repeat(2, 1, 0, body), [new Value(0)], [Row], Origin.None, "");

    private static void Refuses(string message, params Node[] nodes)
    {
        var e = Assert.Throws<GraphException>(() => GraphVerifier.Verify(new(nodes.ToEquatableArray(), [])));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }
}
