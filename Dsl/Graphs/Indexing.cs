using static Mdl.Dsl.Graphs.Shapes;

namespace Mdl.Dsl.Graphs;

/// <summary>table [V, rest...], index int[...] -> [index..., rest...]: whole rows of a table.</summary>
public sealed record Gather : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var (table, index) = (inputs[0], inputs[1]);
        Require(table.Rank >= 1 && index.Element == ElementType.I32, $"cannot take rows {index} of {table}");
        return One(table.With([.. index.Shape, .. table.Shape.Skip(1)]));
    }
}

/// <summary>index int[...], gradient [index..., rest...] -> [Rows, rest...]: sums rows of one index. The derivative of <see cref="Gather"/>.</summary>
public sealed record GatherGradient(Dim Rows) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var (index, gradient) = (inputs[0], inputs[1]);
        Require(gradient.Shape.Take(index.Rank).SequenceEqual(index.Shape), $"{gradient} does not start with {index}");
        return One(gradient.With([Rows, .. gradient.Shape.Skip(index.Rank)]));
    }
}

/// <summary>x [..., E], index int[..., k] -> [..., k]: elements of the last axis, chosen row by row.</summary>
public sealed record TakeAlong : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var (x, index) = (inputs[0], inputs[1]);
        Require(
            index.Element == ElementType.I32 && x.Rank == index.Rank && x.Rank > 0 && x.Shape.Take(x.Rank - 1).SequenceEqual(index.Shape.Take(x.Rank - 1)),
            $"cannot take {index} along the last axis of {x}");
        return One(x.With(index.Shape));
    }
}

/// <summary>index int[..., k], values [..., k] -> [..., Length]: zeros with the values added at the indices. The derivative of <see cref="TakeAlong"/>.</summary>
public sealed record PutAlong(Dim Length) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        Require(inputs[0].Shape == inputs[1].Shape, $"{inputs[0]} and {inputs[1]} differ in shape");
        return One(inputs[1].With(inputs[1].Shape.SetItem(inputs[1].Rank - 1, Length)));
    }
}

/// <summary>
/// x [..., n] -> int[..., Count]: the indices of the largest elements, largest first, ties to the lower index. With Groups above 1 the axis falls into
/// that many equal contiguous groups, a group's score is the sum of its GroupTop largest elements, and only elements of the Keep best groups take part.
/// </summary>
public sealed record Top(int Count, int Groups = 1, int Keep = 1, int GroupTop = 1) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var x = inputs[0];
        Require(x.Rank >= 1 && x.Element == ElementType.F32, $"cannot choose from {x}");
        Require(Count > 0 && Groups > 0 && Keep > 0 && GroupTop > 0 && Keep <= Groups, "top wants positive counts and no more groups kept than there are");
        if (x.Last.IsConstant)
        {
            var n = x.Last.Constant;
            Require(n % Groups == 0, $"{n} does not split into {Groups} equal groups");
            Require(GroupTop <= n / Groups, $"a group of {n / Groups} has no {GroupTop} largest elements");
            Require(Count <= n / Groups * Keep, Groups == 1 ? $"{Count} cannot be chosen from {n}" : $"{Count} cannot be chosen from {Keep} groups of {n / Groups}");
        }

        return One(TensorType.I32(x.Shape.SetItem(x.Rank - 1, Count)));
    }
}
