using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Evaluation;

/// <summary>What each operation computes: one method an operation, under the operation's name.</summary>
internal static partial class Meaning
{
    public static NDArray[] Of(Operation operation, NDArray[] x, Scope scope) => operation switch
    {
        Input o => [scope.Inputs(o.Name)],
        Parameter o => [scope.Parameters(o.Path)],
        Constant o => [NDArray.Of(o.Value)],
        SizeOf o => [NDArray.Of(scope.Size(o.Size))],
        Iota o => [Iota(o, scope)],
        Positions o => [Positions(o, scope)],
        Table o => [new(scope.Sizes(o.Shape), o.Values.ToArray())],
        Unary o => [Unary(o, x[0])],
        Binary o => [Binary(o, x[0], x[1])],
        Select _ => [Select(x[0], x[1], x[2])],
        Reduce o => [Reduce(o, x[0])],
        Broadcast o => [Broadcast(x[0], scope.Sizes(o.Shape))],
        Reshape o => [x[0].Reshape(scope.Sizes(o.Shape))],
        Transpose o => [Transpose(o, x[0])],
        Slice o => [Slice(x[0], o.Axis, scope.Size(o.Start), scope.Size(o.Length))],
        Concat o => [Concat(o, x)],
        Pad o => [Pad(x[0], o.Axis, scope.Size(o.Before), scope.Size(o.After))],
        Gather _ => [Gather(x[0], x[1])],
        GatherGradient o => [GatherGradient(x[0], x[1], scope.Size(o.Rows))],
        TakeAlong _ => [TakeAlong(x[0], x[1])],
        PutAlong o => [PutAlong(x[0], x[1], scope.Size(o.Length))],
        Top o => [Top(o, x[0])],
        Contract o => [Contract(o, x[0], x[1])],
        GroupedContract o => [GroupedContract(o, x[0], x[1], x[2])],
        GroupedOuter _ => [GroupedOuter(x[0], x[1], x[2])],
        Dispatch o => Dispatch(o, x[0]),
        GatherRows o => [GatherRows(o, x[0], x[1])],
        CombineRows o => [CombineRows(o, x[0], x[1])],
        LinearCrossEntropy _ => LinearCrossEntropy(x[0], x[1], x[2]),
        LinearCrossEntropyWithGradient o => LinearCrossEntropyWithGradient(o.OfWeights, x[0], x[1], x[2], x[3]),
        LinearCrossEntropyGradient o => LinearCrossEntropyGradient(o.OfWeights, x[0], x[1], x[2], x[3], x[4]),
        Attend o => Attend(o, x[0], x[1], x[2], x.Length > 3 ? x[3] : null),
        AttendGradient o => AttendGradient(o, x[0], x[1], x[2], x[3], x[4], x[5], x.Length > 6 ? x[6] : null),
        Repeat o => Repeat(o, x, scope),
        _ => throw new NotSupportedException($"{operation.GetType().Name} has no reference meaning"),
    };

    private static NDArray Iota(Iota o, Scope scope) => NDArray.Build([scope.Size(o.Length)], at => at[0]);

    private static NDArray Positions(Positions o, Scope scope) => NDArray.Build([scope.Size(o.Length)], at => at[0] + scope.PositionOffset);
}
