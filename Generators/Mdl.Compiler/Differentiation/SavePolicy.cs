using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

/// <summary>
/// What a repeated body keeps of each iteration for its backward loop. Carried inputs are always kept. Kept besides: what is dear to compute
/// (contractions, attention, selection, routing, look-ups, inner loops) and row statistics, which are tiny. The rest, elementwise functions and
/// views, is computed again where the backward loop needs it, fused into its kernels. With RecomputeLayers only the carried inputs are kept.
/// </summary>
internal sealed record SavePolicy(bool RecomputeLayers)
{
    // A statistic of rows this wide takes a thirtieth of the memory of what it was reduced from.
    private const long WideRow = 32;

    public bool Saves(Node node, GraphBuilder builder) => !RecomputeLayers && node.Operation switch
    {
        Contract or GroupedContract or GroupedOuter => true,
        Attend or AttendGradient => true,
        LinearCrossEntropy or LinearCrossEntropyGradient => true,
        Top or Dispatch or CombineRows => true,
        Gather or GatherGradient => true,
        Repeat => true,
        Reduce o => IsWide(o, builder.Type(node.Inputs[0])),
        _ => false,
    };

    private static bool IsWide(Reduce reduce, TensorType type)
    {
        var width = Dim.Product(reduce.Axes.Select(a => type.Shape[a]));
        return !width.IsConstant || width.Constant >= WideRow;
    }
}
