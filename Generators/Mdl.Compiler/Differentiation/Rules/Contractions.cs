using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

internal static partial class Derivatives
{
    // With L = left or left', R = right or right' and C = L R: dL = dC R' and dR = L' dC. An operand that is stored transposed wants the transposed
    // gradient: dL' = R dC' and dR' = dC' L. Flags say all of it; nothing is moved.
    private static void Contract(Step step, Contract o)
    {
        var (b, g, left, right) = (step.Builder, step.Gradient, step.Input(0), step.Input(1));
        AddIfWanted(step, 0, () => o.TransposeLeft
            ? b.Add(new Contract(o.TransposeRight, true) { InF32 = o.InF32 }, right, g)
            : b.Add(new Contract(false, !o.TransposeRight) { InF32 = o.InF32 }, g, right));
        AddIfWanted(step, 1, () => o.TransposeRight
            ? b.Add(new Contract(true, o.TransposeLeft) { InF32 = o.InF32 }, g, left)
            : b.Add(new Contract(!o.TransposeLeft, false) { InF32 = o.InF32 }, left, g));
    }

    // Rows after the last expert's come out as zero both ways, whatever stands in the gradient.
    private static void GroupedContract(Step step, GroupedContract o)
    {
        var (b, g, rows, weights, offsets) = (step.Builder, step.Gradient, step.Input(0), step.Input(1), step.Input(2));
        AddIfWanted(step, 0, () => b.Add(new GroupedContract(!o.TransposeRight) { InF32 = o.InF32 }, g, weights, offsets));
        AddIfWanted(step, 1, () => o.TransposeRight
            ? b.Add(new GroupedOuter { InF32 = o.InF32 }, g, rows, offsets)
            : b.Add(new GroupedOuter { InF32 = o.InF32 }, rows, g, offsets));
    }

    private static void GroupedOuter(Step step, GroupedOuter o)
    {
        var (b, g, left, right, offsets) = (step.Builder, step.Gradient, step.Input(0), step.Input(1), step.Input(2));
        AddIfWanted(step, 0, () => b.Add(new GroupedContract(true) { InF32 = o.InF32 }, right, g, offsets));
        AddIfWanted(step, 1, () => b.Add(new GroupedContract(false) { InF32 = o.InF32 }, left, g, offsets));
    }
}
