using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

internal static partial class Derivatives
{
    private static void Unary(Step step, Unary o)
    {
        var (b, g, x, y) = (step.Builder, step.Gradient, step.Input(0), step.Output());
        step.Add(0, o.Function switch
        {
            UnaryFunction.Negate => b.Unary(UnaryFunction.Negate, g),
            UnaryFunction.Reciprocal => b.Unary(UnaryFunction.Negate, step.Multiply(g, b.Unary(UnaryFunction.Square, y))),
            UnaryFunction.Square => step.Multiply(g, step.Multiply(x, 2)),
            UnaryFunction.Exp => step.Multiply(g, y),
            UnaryFunction.Log => b.Binary(BinaryFunction.Divide, g, x),
            UnaryFunction.Sqrt => b.Binary(BinaryFunction.Divide, step.Multiply(g, 0.5), y),
            UnaryFunction.Rsqrt => step.Multiply(step.Multiply(g, -0.5), step.Multiply(y, b.Unary(UnaryFunction.Square, y))),
            UnaryFunction.Sin => step.Multiply(g, b.Unary(UnaryFunction.Cos, x)),
            UnaryFunction.Cos => b.Unary(UnaryFunction.Negate, step.Multiply(g, b.Unary(UnaryFunction.Sin, x))),
            UnaryFunction.Tanh => step.Multiply(g, OneMinus(b, b.Unary(UnaryFunction.Square, y))),
            UnaryFunction.Sigmoid => step.Multiply(g, step.Multiply(y, OneMinus(b, y))),
            UnaryFunction.Erf => step.Multiply(
                g, step.Multiply(b.Unary(UnaryFunction.Exp, b.Unary(UnaryFunction.Negate, b.Unary(UnaryFunction.Square, x))), 2 / Math.Sqrt(Math.PI))),
            UnaryFunction.Abs => step.Multiply(g, b.Unary(UnaryFunction.Sign, x)),
            UnaryFunction.Relu => step.Multiply(g, b.Unary(UnaryFunction.Step, x)),
            _ => throw new NotSupportedException($"{o.Function} has no derivative"),
        });
    }

    private static void Binary(Step step, Binary o)
    {
        var (b, g, x, y) = (step.Builder, step.Gradient, step.Input(0), step.Input(1));
        switch (o.Function)
        {
            case BinaryFunction.Add:
                step.Add(0, g);
                step.Add(1, g);
                break;
            case BinaryFunction.Subtract:
                step.Add(0, g);
                AddIfWanted(step, 1, () => b.Unary(UnaryFunction.Negate, g));
                break;
            case BinaryFunction.Multiply:
                AddIfWanted(step, 0, () => step.Multiply(g, y));
                AddIfWanted(step, 1, () => step.Multiply(g, x));
                break;
            case BinaryFunction.Divide:
                var ratio = b.Binary(BinaryFunction.Divide, g, y);
                step.Add(0, ratio);
                AddIfWanted(step, 1, () => b.Unary(UnaryFunction.Negate, step.Multiply(ratio, step.Output())));
                break;
            case BinaryFunction.Power:
                AddIfWanted(step, 0, () => step.Multiply(g, step.Multiply(y, b.Binary(BinaryFunction.Power, x, b.Binary(BinaryFunction.Subtract, y, 1)))));

                // x^y log x has the limit 0 as x falls to 0.
                AddIfWanted(step, 1, () => b.Select(
                    b.Unary(UnaryFunction.Step, x), step.Multiply(g, step.Multiply(step.Output(), b.Unary(UnaryFunction.Log, x))), b.Constant(0)));
                break;
            case BinaryFunction.Maximum:
            case BinaryFunction.Minimum:
                // Of equal elements the first gets the gradient.
                var second = o.Function == BinaryFunction.Maximum ? b.Binary(BinaryFunction.Less, x, y) : b.Binary(BinaryFunction.Less, y, x);
                AddIfWanted(step, 0, () => b.Select(second, b.Constant(0), g));
                AddIfWanted(step, 1, () => b.Select(second, g, b.Constant(0)));
                break;
            default:
                throw new NotSupportedException($"{o.Function} has no derivative");
        }
    }

    private static void Select(Step step)
    {
        var (b, g, condition) = (step.Builder, step.Gradient, step.Input(0));
        AddIfWanted(step, 1, () => b.Select(condition, g, b.Constant(0)));
        AddIfWanted(step, 2, () => b.Select(condition, b.Constant(0), g));
    }

    private static void Reduce(Step step, Reduce o)
    {
        var (b, x, shape) = (step.Builder, step.Input(0), step.InputType(0).Shape);
        if (o.Function == ReduceFunction.Sum)
        {
            step.Add(0, b.Broadcast(step.Gradient, shape));
            return;
        }

        // Equal largest elements share the gradient evenly.
        var isLargest = b.Binary(BinaryFunction.Equal, x, b.Broadcast(step.Output(), shape));
        var share = b.Binary(BinaryFunction.Divide, step.Gradient, b.Reduce(ReduceFunction.Sum, isLargest, o.Axes));
        step.Add(0, step.Multiply(isLargest, b.Broadcast(share, shape)));
    }

    private static Value OneMinus(GraphBuilder b, Value x) => b.Binary(BinaryFunction.Subtract, b.Constant(1), x);

    private static void AddIfWanted(Step step, int input, Func<Value> gradient)
    {
        if (step.Wants(input))
        {
            step.Add(input, gradient());
        }
    }
}
