using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

internal static partial class Derivatives
{
    private static void Attend(Step step, Attend o)
    {
        if (step.Adjoint(1) is not null)
        {
            throw new NotSupportedException("the log-sum-exp of attention has no derivative");
        }

        Value[] inputs = [step.Input(0), step.Input(1), step.Input(2), step.Output(0), step.Output(1), step.Gradient, .. step.Node.Inputs.Skip(3)];
        var gradients = step.Builder.AddAll(new AttendGradient(o.Mask, o.Window, o.Scale), inputs);
        for (var i = 0; i < gradients.Count; i++)
        {
            step.Add(i, gradients[i]);
        }
    }
}
