using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Evaluation;

internal static partial class Meaning
{
    private static NDArray Unary(Unary o, NDArray x) => new(x.Shape, Array.ConvertAll(x.Data, v => Apply(o.Function, v)));

    private static NDArray Binary(Binary o, NDArray x, NDArray y) => new(x.Shape, x.Data.Zip(y.Data, (a, b) => Apply(o.Function, a, b)).ToArray());

    private static NDArray Select(NDArray condition, NDArray x, NDArray y) =>
        new(x.Shape, condition.Data.Select((c, i) => c != 0 ? x.Data[i] : y.Data[i]).ToArray());

    private static NDArray Reduce(Reduce o, NDArray x)
    {
        var result = new NDArray(x.Shape.Select((n, i) => o.Axes.Contains(i) ? 1 : n).ToEquatableArray());
        if (o.Function == ReduceFunction.Maximum)
        {
            result.Data.AsSpan().Fill(double.NegativeInfinity);
        }

        // Along a reduced axis the result does not move. The element that an element of x goes to:
        var strides = result.Strides().Select((s, i) => o.Axes.Contains(i) ? 0 : s).ToArray();
        var targets = NDArray.Build(x.Shape, at => Offset(at, strides));
        for (var i = 0; i < x.Data.Length; i++)
        {
            ref var target = ref result.Data[(int)targets.Data[i]];
            target = o.Function == ReduceFunction.Sum ? target + x.Data[i] : Math.Max(target, x.Data[i]);
        }

        return result;
    }

    /// <summary>One element of an elementwise function; the simplifier folds constants with it.</summary>
    public static double Apply(UnaryFunction function, double x) => function switch
    {
        UnaryFunction.Negate => -x,
        UnaryFunction.Reciprocal => 1 / x,
        UnaryFunction.Square => x * x,
        UnaryFunction.Exp => Math.Exp(x),
        UnaryFunction.Log => Math.Log(x),
        UnaryFunction.Sqrt => Math.Sqrt(x),
        UnaryFunction.Rsqrt => 1 / Math.Sqrt(x),
        UnaryFunction.Sin => Math.Sin(x),
        UnaryFunction.Cos => Math.Cos(x),
        UnaryFunction.Tanh => Math.Tanh(x),
        UnaryFunction.Sigmoid => 1 / (1 + Math.Exp(-x)),
        UnaryFunction.Erf => Erf(x),
        UnaryFunction.Abs => Math.Abs(x),
        UnaryFunction.Sign => x > 0 ? 1 : x < 0 ? -1 : 0,
        UnaryFunction.Relu => Math.Max(x, 0),
        UnaryFunction.Floor => Math.Floor(x),
        UnaryFunction.Step => x > 0 ? 1 : 0,
        UnaryFunction.StopGradient or UnaryFunction.ToFloat => x,
        _ => throw new NotSupportedException($"{function} has no reference meaning"),
    };

    public static double Apply(BinaryFunction function, double x, double y) => function switch
    {
        BinaryFunction.Add => x + y,
        BinaryFunction.Subtract => x - y,
        BinaryFunction.Multiply => x * y,
        BinaryFunction.Divide => x / y,
        BinaryFunction.Power => Math.Pow(x, y),
        BinaryFunction.Maximum => Math.Max(x, y),
        BinaryFunction.Minimum => Math.Min(x, y),
        BinaryFunction.Less => x < y ? 1 : 0,
        BinaryFunction.Equal => x == y ? 1 : 0,
        _ => throw new NotSupportedException($"{function} has no reference meaning"),
    };

    // erf(x) = 2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (2n+1)!!: all terms have one sign, so nothing cancels.
    private static double Erf(double x)
    {
        if (Math.Abs(x) > 6)
        {
            return Math.Sign(x);
        }

        double sum = 0, term = x;
        for (var n = 0; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
        {
            sum += term;
            term *= 2 * x * x / (2 * n + 3);
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    private static int Offset(int[] at, int[] strides)
    {
        var offset = 0;
        for (var i = 0; i < at.Length; i++)
        {
            offset += at[i] * strides[i];
        }

        return offset;
    }
}
