using CsCheck;
using Mdl.Dsl;

namespace Mdl.Compiler.Tests.Differentiation;

public class RandomGraphTests
{
    // Smooth functions that stay within a few units on the values that they meet, so that central differences stay exact enough.
    private static readonly UnaryFunction[] Smooth =
        [UnaryFunction.Negate, UnaryFunction.Sin, UnaryFunction.Cos, UnaryFunction.Tanh, UnaryFunction.Sigmoid, UnaryFunction.Erf];

    private static readonly BinaryFunction[] Arithmetic = [BinaryFunction.Add, BinaryFunction.Subtract, BinaryFunction.Multiply];

    private static readonly Gen<int[]> Choices = Gen.Int[0, 1000].Array[4].Array[3, 12].Select(steps => steps.SelectMany(s => s).ToArray());

    [Fact]
    public void Random_elementwise_reduce_and_view_graphs_have_the_gradients_that_are_measured() => Choices.Sample(
        choices =>
        {
            var p = new TestProgram();
            var b = p.Builder;
            List<Value> values = [p.Parameter("x", [3, 4]), p.Parameter("row", [4]), p.Parameter("column", [3, 1]), p.Parameter("scalar", [])];
            foreach (var step in choices.Chunk(4))
            {
                values.Add(Grow(b, values, step));
            }

            // All that nothing else used counts, and so does the last value.
            p.CheckGradients([.. values.Skip(4)]);
        },
        iter: 30,
        threads: 1);

    private static Value Grow(GraphBuilder b, List<Value> values, int[] step)
    {
        var (x, y) = (values[step[1] % values.Count], values[step[2] % values.Count]);
        var (pick, shape) = (step[3], b.Type(x).Shape);
        switch (step[0] % 6)
        {
            case 0 when shape.Count > 0:
                return b.Reduce(ReduceFunction.Sum, b.Unary(UnaryFunction.Sin, x), pick % shape.Count);
            case 1 when shape.Count == 2 && shape[1].Equals(4):
                return b.Add(new Concat(1), b.Slice(x, 1, pick % 3, 2), b.Slice(x, 1, (pick / 3) % 3, 2));
            case 2 when shape.Count == 2:
                return b.Transpose(b.Reshape(x, shape[1], shape[0]), 1, 0);
            case 3:
                return b.Unary(Smooth[pick % Smooth.Length], x);
            default:
                return b.Binary(Arithmetic[pick % Arithmetic.Length], b.Unary(UnaryFunction.Tanh, x), y);
        }
    }
}
