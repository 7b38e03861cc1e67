using static Mdl.Dsl.Graphs.Shapes;

namespace Mdl.Dsl.Graphs;

/// <summary>Stretches missing leading axes and axes of size 1 to <paramref name="Shape"/>.</summary>
public sealed record Broadcast(EquatableArray<Dim> Shape) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        Require(Shapes.Stretches(inputs[0].Shape, Shape), $"{inputs[0]} does not broadcast to {Shape}");
        return One(inputs[0].With(Shape));
    }
}

/// <summary>The same elements in row-major order under another shape.</summary>
public sealed record Reshape(EquatableArray<Dim> Shape) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        Require(inputs[0].Size.Equals(Dim.Product(Shape)), $"{inputs[0]} has {inputs[0].Size} elements, {Shape} has {Dim.Product(Shape)}");
        return One(inputs[0].With(Shape));
    }
}

/// <summary>Axis i of the result is axis <c>Permutation[i]</c> of the input.</summary>
public sealed record Transpose(EquatableArray<int> Permutation) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        Require(Permutation.OrderBy(p => p).SequenceEqual(Enumerable.Range(0, inputs[0].Rank)), $"{Permutation} does not permute the axes of {inputs[0]}");
        var shape = inputs[0].Shape;
        return One(inputs[0].With(Permutation.Select(p => shape[p]).ToEquatableArray()));
    }
}

/// <summary>Elements Start .. Start + Length - 1 of one axis.</summary>
public sealed record Slice(int Axis, Dim Start, Dim Length) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        Require(Axis >= 0 && Axis < inputs[0].Rank, $"no axis {Axis} in {inputs[0]}");
        var rest = inputs[0].Shape[Axis] - Start - Length;
        Require(!rest.IsConstant || rest.Constant >= 0, $"{Start} + {Length} elements are more than axis {Axis} of {inputs[0]} has");
        return One(inputs[0].With(inputs[0].Shape.SetItem(Axis, Length)));
    }
}

/// <summary>Inputs one after another along an axis.</summary>
public sealed record Concat(int Axis) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var first = inputs[0];
        Require(Axis >= 0 && Axis < first.Rank, $"no axis {Axis} in {first}");
        Require(
            inputs.All(t => t.Element == first.Element && t.Rank == first.Rank && t.Shape.SetItem(Axis, Dim.One) == first.Shape.SetItem(Axis, Dim.One)),
            $"cannot join {string.Join(", ", inputs)} along axis {Axis}");
        return One(first.With(first.Shape.SetItem(Axis, inputs.Aggregate(Dim.Zero, (sum, t) => sum + t.Shape[Axis]))));
    }
}

/// <summary>Zeros before and after along an axis: the derivative of <see cref="Slice"/>.</summary>
public sealed record Pad(int Axis, Dim Before, Dim After) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        Require(Axis >= 0 && Axis < inputs[0].Rank, $"no axis {Axis} in {inputs[0]}");
        return One(inputs[0].With(inputs[0].Shape.SetItem(Axis, Before + inputs[0].Shape[Axis] + After)));
    }
}
