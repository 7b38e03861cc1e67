using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

internal static partial class Derivatives
{
    private static void GatherRows(Step step, GatherRows o)
    {
        var dispatch = FindDispatch(step, output: 0);
        var isComplete = step.Builder[dispatch].Operation is Dispatch { CapacityFactor: 0 };
        step.Add(0, step.Builder.Add(new CombineRows(o.Slots, isComplete), step.Gradient, new Value(dispatch, 1)));
    }

    private static void CombineRows(Step step, CombineRows o)
    {
        var (b, dispatch) = (step.Builder, FindDispatch(step, output: 1));
        var gradient = b.Add(new GatherRows(o.Slots), step.Gradient, new Value(dispatch, 0));
        var operation = (Dispatch)b[dispatch].Operation;
        if (operation.CapacityFactor > 0)
        {
            // Rows after the last kept one repeat choice 0, but nothing combines them.
            var shape = b.Type(gradient).Shape;
            var kept = b.Unary(UnaryFunction.ToFloat, b.Slice(new Value(dispatch, 2), 0, operation.Experts, 1));
            var isKept = b.Binary(BinaryFunction.Less, b.Add(new Iota(shape[0])), kept);
            gradient = b.Select(b.Broadcast(b.Reshape(isKept, shape[0], Dim.One), shape), gradient, b.Constant(0));
        }

        step.Add(0, gradient);
    }

    /// <summary>The node that made the order of the rows: the other direction of the order is another of its outputs.</summary>
    private static int FindDispatch(Step step, int output)
    {
        var order = step.Input(1);
        return step.Builder[order.Node].Operation is Dispatch && order.Output == output
            ? order.Node
            : throw new NotSupportedException($"{step.Node.Operation} has a derivative only for the order that a Dispatch in the same graph made");
    }
}
