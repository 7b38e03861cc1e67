using Mdl.Dsl;

namespace Mdl.Compiler.Tests.Differentiation;

public class RepeatGradientTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public void Carried_values_invariants_slices_and_results_get_their_gradients(int count, bool reverse)
    {
        var program = new TestProgram();
        var b = program.Builder;
        var x = program.Parameter("x", [2, 4]);
        var shared = program.Parameter("shared", [4, 4]);
        var own = program.Parameter("own", [count, 4, 4]);
        var scale = program.Parameter("scale", [count, 4]);
        var loop = b.AddAll(new Repeat(count, 1, 1, Layer(), reverse), x, shared, own, scale);
        program.CheckGradients(loop[0], loop[1]);
    }

    [Fact]
    public void A_value_that_only_results_use_gets_its_gradient()
    {
        var program = new TestProgram();
        var b = program.Builder;
        var loop = b.AddAll(
            new Repeat(3, 1, 1, Layer()),
            program.Parameter("x", [2, 4]), program.Parameter("shared", [4, 4]), program.Parameter("own", [3, 4, 4]), program.Parameter("scale", [3, 4]));
        program.CheckGradients(loop[1]);
    }

    [Fact]
    public void Two_loops_after_another_share_an_invariant()
    {
        var program = new TestProgram();
        var b = program.Builder;
        var shared = program.Parameter("shared", [4, 4]);
        var first = b.AddAll(
            new Repeat(2, 1, 1, Layer()), program.Parameter("x", [2, 4]), shared, program.Parameter("own", [2, 4, 4]), program.Parameter("scale", [2, 4]));
        var second = b.AddAll(
            new Repeat(3, 1, 1, Layer()), first[0], shared, program.Parameter("more", [3, 4, 4]), program.Parameter("scales", [3, 4]));
        program.CheckGradients(second[0], second[1], first[1]);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 3)]
    public void Loops_nest(int outer, int inner)
    {
        var program = new TestProgram();
        var body = new GraphBuilder();
        var x = body.Add(new Input("#0", TensorType.F32(2, 4)));
        var shared = body.Add(new Input("#1", TensorType.F32(4, 4)));
        var own = body.Add(new Input("#2", TensorType.F32(inner, 4, 4)));
        var scale = body.Add(new Input("#3", TensorType.F32(inner, 4)));
        var loop = body.AddAll(new Repeat(inner, 1, 1, Layer()), body.Unary(UnaryFunction.Sin, x), shared, own, scale);
        var layer = body.Build(body.Binary(BinaryFunction.Add, x, loop[0]), loop[1]);

        var nest = program.Builder.AddAll(
            new Repeat(outer, 1, 1, layer),
            program.Parameter("x", [2, 4]),
            program.Parameter("shared", [4, 4]),
            program.Parameter("own", [outer, inner, 4, 4]),
            program.Parameter("scale", [outer, inner, 4]));
        program.CheckGradients(nest[0], nest[1]);
    }

    /// <summary>x [2, 4]; shared [4, 4]; own [4, 4], scale [4]: two contractions, a norm, a residual; yields a row statistic too.</summary>
    private static Graph Layer()
    {
        var b = new GraphBuilder();
        var x = b.Add(new Input("#0", TensorType.F32(2, 4)));
        var shared = b.Add(new Input("#1", TensorType.F32(4, 4)));
        var own = b.Add(new Input("#2", TensorType.F32(4, 4)));
        var scale = b.Add(new Input("#3", TensorType.F32(4)));
        var square = b.Reduce(ReduceFunction.Sum, b.Unary(UnaryFunction.Square, x), 1);
        var normed = b.Binary(BinaryFunction.Multiply, b.Binary(BinaryFunction.Multiply, x, b.Unary(UnaryFunction.Rsqrt, square)), scale);
        var hidden = b.Unary(UnaryFunction.Tanh, b.Add(new Contract(false, true), normed, own));
        var next = b.Binary(BinaryFunction.Add, x, b.Add(new Contract(false, false), hidden, shared));
        return b.Build(next, square);
    }
}
