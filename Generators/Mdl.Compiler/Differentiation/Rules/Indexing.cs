using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

internal static partial class Derivatives
{
    private static void Gather(Step step) =>
        step.Add(0, step.Builder.Add(new GatherGradient(step.InputType(0).Shape[0]), step.Input(1), step.Gradient));

    private static void GatherGradient(Step step) => step.Add(1, step.Builder.Add(new Gather(), step.Gradient, step.Input(0)));

    private static void TakeAlong(Step step) => step.Add(0, step.Builder.Add(new PutAlong(step.InputType(0).Last), step.Input(1), step.Gradient));

    private static void PutAlong(Step step) => step.Add(1, step.Builder.Add(new TakeAlong(), step.Gradient, step.Input(0)));
}
