using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

internal static partial class Derivatives
{
    private static void Broadcast(Step step)
    {
        var (from, to) = (step.InputType(0).Shape, step.Node.Types[0].Shape);
        var missing = to.Count - from.Count;
        var stretched = Enumerable.Range(0, to.Count).Where(i => i < missing || !from[i - missing].Equals(to[i]));
        step.Add(0, step.Builder.Reshape(step.Builder.Reduce(ReduceFunction.Sum, step.Gradient, stretched), from));
    }

    private static void Reshape(Step step) => step.Add(0, step.Builder.Reshape(step.Gradient, step.InputType(0).Shape));

    private static void Transpose(Step step, Transpose o)
    {
        var permutation = o.Permutation.ToList();
        step.Add(0, step.Builder.Transpose(step.Gradient, Enumerable.Range(0, permutation.Count).Select(i => permutation.IndexOf(i))));
    }

    private static void Slice(Step step, Slice o) => step.AddSlice(0, o, step.Gradient);

    private static void Concat(Step step, Concat o)
    {
        var start = Dim.Zero;
        for (var i = 0; i < step.Node.Inputs.Count; i++)
        {
            var (from, length) = (start, step.InputType(i).Shape[o.Axis]);
            AddIfWanted(step, i, () => step.Builder.Slice(step.Gradient, o.Axis, from, length));
            start += length;
        }
    }

    private static void Pad(Step step, Pad o) =>
        step.Add(0, step.Builder.Slice(step.Gradient, o.Axis, o.Before, step.InputType(0).Shape[o.Axis]));
}
