using static Mdl.Dsl.Graphs.Shapes;

namespace Mdl.Dsl.Graphs;

public enum UnaryFunction
{
    Negate,
    Reciprocal,
    Square,
    Exp,
    Log,
    Sqrt,
    Rsqrt,
    Sin,
    Cos,
    Tanh,
    Sigmoid,
    Erf,
    Abs,
    Sign,
    Relu,
    Floor,

    /// <summary>1 where x is above 0, else 0.</summary>
    Step,

    /// <summary>The identity; no gradient passes.</summary>
    StopGradient,

    /// <summary>From int to float.</summary>
    ToFloat,
}

public enum BinaryFunction
{
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Maximum,
    Minimum,

    /// <summary>1 where x is below y, else 0.</summary>
    Less,

    /// <summary>1 where x equals y, else 0.</summary>
    Equal,
}

/// <summary>A function of each element.</summary>
public sealed record Unary(UnaryFunction Function) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var wanted = Function == UnaryFunction.ToFloat ? ElementType.I32 : ElementType.F32;
        Require(inputs[0].Element == wanted, $"{Function} wants {wanted} elements, got {inputs[0]}");
        return One(TensorType.F32(inputs[0].Shape));
    }
}

/// <summary>A function of each pair of elements of two tensors of one shape. Of ints: Add, Subtract, Multiply, Less and Equal only.</summary>
public sealed record Binary(BinaryFunction Function) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        Require(inputs[0] == inputs[1], $"{Function} wants one type, got {inputs[0]} and {inputs[1]}");
        var compares = Function is BinaryFunction.Less or BinaryFunction.Equal;
        Require(
            inputs[0].Element == ElementType.F32 || compares || Function is BinaryFunction.Add or BinaryFunction.Subtract or BinaryFunction.Multiply,
            $"{Function} is not defined for ints");
        return One(compares ? TensorType.F32(inputs[0].Shape) : inputs[0]);
    }
}

/// <summary>condition != 0 ? x : y, for tensors of one shape. No gradient passes to the condition.</summary>
public sealed record Select : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        Require(inputs[0].Shape == inputs[1].Shape && inputs[1] == inputs[2], $"Select wants one shape, got {string.Join(", ", inputs)}");
        return One(inputs[1]);
    }
}

public enum ReduceFunction
{
    Sum,
    Maximum,
}

/// <summary>Reduces the axes (ascending) to size 1.</summary>
public sealed record Reduce(ReduceFunction Function, EquatableArray<int> Axes) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        Require(inputs[0].Element == ElementType.F32, $"cannot reduce {inputs[0]}");
        Require(Axes.Count > 0 && Axes.All(a => a >= 0 && a < inputs[0].Rank), $"no such axes {Axes} in {inputs[0]}");
        return One(inputs[0].With(Reduced(inputs[0].Shape)));
    }

    /// <summary>What becomes of a shape.</summary>
    public EquatableArray<Dim> Reduced(EquatableArray<Dim> shape)
    {
        var reduced = new Dim[shape.Count];
        for (var i = 0; i < reduced.Length; i++)
        {
            reduced[i] = Axes.Contains(i) ? Dim.One : shape[i];
        }

        return new(reduced);
    }
}
