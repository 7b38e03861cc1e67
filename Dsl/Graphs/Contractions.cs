using static Mdl.Dsl.Graphs.Shapes;

namespace Mdl.Dsl.Graphs;

/// <summary>
/// Matrix product over the last two axes: [..., m, k] x [..., k, n] -> [..., m, n], same leading axes. A transposed operand is stored
/// [..., k, m] or [..., n, k].
/// </summary>
public sealed record Contract(bool TransposeLeft, bool TransposeRight) : Operation
{
    /// <summary>Whether the operands are multiplied in single precision even where the model trains in a shorter format.</summary>
    public bool InF32 { get; init; }

    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var (a, b) = (inputs[0], inputs[1]);
        Require(a.Element == ElementType.F32 && b.Element == ElementType.F32, $"cannot contract {a} with {b}");
        Require(a.Rank >= 2 && a.Rank == b.Rank, $"cannot contract {a} with {b}: both need the same leading axes and two axes more");
        Require(a.Shape.Take(a.Rank - 2).SequenceEqual(b.Shape.Take(b.Rank - 2)), $"cannot contract {a} with {b}: leading axes differ");
        var (m, k) = TransposeLeft ? (a.Last, a.Shape[a.Rank - 2]) : (a.Shape[a.Rank - 2], a.Last);
        var (n, l) = TransposeRight ? (b.Shape[b.Rank - 2], b.Last) : (b.Last, b.Shape[b.Rank - 2]);
        Require(k.Equals(l), $"contracts {k} with {l}");
        return One(TensorType.F32([.. a.Shape.Take(a.Rank - 2), m, n]));
    }
}

/// <summary>
/// rows [M, k], weights [E, k, n] (or [E, n, k], transposed), offsets int[E + 1]: rows offsets[e] .. offsets[e + 1] - 1 are multiplied by the
/// weights of expert e. Rows from offsets[E] on come out as zero. -> [M, n]
/// </summary>
public sealed record GroupedContract(bool TransposeRight) : Operation
{
    /// <summary>Whether the operands are multiplied in single precision even where the model trains in a shorter format.</summary>
    public bool InF32 { get; init; }

    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var (x, w, offsets) = (inputs[0], inputs[1], inputs[2]);
        Require(x.Rank == 2 && w.Rank == 3, $"cannot contract rows {x} with experts {w}");
        Require(offsets == TensorType.I32(w.Shape[0] + 1), $"offsets are {offsets}, wanted int[{w.Shape[0] + 1}]");
        var (k, n) = TransposeRight ? (w.Shape[2], w.Shape[1]) : (w.Shape[1], w.Shape[2]);
        Require(x.Last.Equals(k), $"contracts {x.Last} with {k}");
        return One(TensorType.F32(x.Shape[0], n));
    }
}

/// <summary>
/// left [M, p], right [M, q], offsets int[E + 1] -> [E, p, q]: for each expert, the product of the transposed left rows with its right rows.
/// The derivative of <see cref="GroupedContract"/> by its weights.
/// </summary>
public sealed record GroupedOuter : Operation
{
    /// <summary>Whether the operands are multiplied in single precision even where the model trains in a shorter format.</summary>
    public bool InF32 { get; init; }

    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var (a, b, offsets) = (inputs[0], inputs[1], inputs[2]);
        Require(a.Rank == 2 && b.Rank == 2 && a.Shape[0].Equals(b.Shape[0]), $"cannot contract the rows of {a} with those of {b}");
        Require(offsets.Element == ElementType.I32 && offsets.Rank == 1, $"offsets are {offsets}");
        return One(TensorType.F32(offsets.Shape[0] - 1, a.Last, b.Last));
    }
}
