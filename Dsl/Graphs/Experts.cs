using static Mdl.Dsl.Graphs.Shapes;

namespace Mdl.Dsl.Graphs;

/// <summary>
/// choose int[N, k] -> the order that sorts the N*k choices (choice c = token * k + slot) by expert, stable in c:
/// <list type="bullet">
/// <item>0: choice int[M]: the choice that stands in row r; M = N*k. Rows after the last kept one repeat choice 0.</item>
/// <item>1: row int[M]: the row in which choice c stands, or -1 where capacity dropped it.</item>
/// <item>2: offsets int[E + 1]: the first row of each expert, and the number of kept rows.</item>
/// <item>3: expert int[M]: the expert of row r (the last expert for rows after the last kept one).</item>
/// <item>4: load [E]: how many choices fell on each expert, before dropping.</item>
/// </list>
/// With CapacityFactor f above 0, an expert keeps its first ceil(f * N * k / E) choices in token order; with 0 nothing is dropped.
/// </summary>
public sealed record Dispatch(int Experts, double CapacityFactor) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var choose = inputs[0];
        Require(choose.Element == ElementType.I32 && choose.Rank == 2, $"experts are chosen by int[N, k], got {choose}");
        var rows = choose.Size;
        return [TensorType.I32(rows), TensorType.I32(rows), TensorType.I32((Dim)Experts + 1), TensorType.I32(rows), TensorType.F32((Dim)Experts)];
    }
}

/// <summary>x [N, D], choice int[M] -> [M, D]: row r is x[choice[r] / Slots].</summary>
public sealed record GatherRows(int Slots) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var (x, choice) = (inputs[0], inputs[1]);
        Require(x.Rank == 2 && choice.Element == ElementType.I32 && choice.Rank == 1, $"cannot take rows {choice} of {x}");
        Require((x.Shape[0] * Slots).Equals(choice.Shape[0]), $"{choice} is not {Slots} rows for each of {x}");
        return One(x.With([choice.Shape[0], x.Shape[1]]));
    }
}

/// <summary>
/// rows [M, D], row int[M] -> [M / Slots, D]: for each token the sum, in slot order, of the rows row[token * Slots + slot]; -1 adds nothing.
/// The derivative of <see cref="GatherRows"/>, and the reverse. IsComplete promises that no entry is -1.
/// </summary>
public sealed record CombineRows(int Slots, bool IsComplete = false) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var (rows, row) = (inputs[0], inputs[1]);
        Require(rows.Rank == 2 && row.Element == ElementType.I32 && row.Rank == 1 && row.Shape[0].Equals(rows.Shape[0]), $"cannot combine {rows} by {row}");
        var tokens = Dim.Divide(rows.Shape[0], Slots);
        Require(tokens is not null, $"{rows.Shape[0]} rows are not {Slots} for each token");
        return One(rows.With([tokens!, rows.Shape[1]]));
    }
}
