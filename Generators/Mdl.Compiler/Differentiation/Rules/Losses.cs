using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

internal static partial class Derivatives
{
    private static void LinearCrossEntropy(Step step)
    {
        var (b, h, w, target) = (step.Builder, step.Input(0), step.Input(1), step.Input(2));
        var gradient = step.Gradient;
        if (step.Adjoint(1) is { } byLogSumExp)
        {
            // log-sum-exp = nll + h w[target]'
            gradient = step.Adjoint(0) is null ? byLogSumExp : b.Binary(BinaryFunction.Add, gradient, byLogSumExp);
            var column = b.Reshape(byLogSumExp, b.Type(byLogSumExp).Shape[0], Dim.One);
            AddIfWanted(step, 0, () => step.Multiply(column, b.Add(new Gather(), w, target)));
            AddIfWanted(step, 1, () => b.Add(new GatherGradient(b.Type(w).Shape[0]), target, step.Multiply(column, h)));
        }

        var ofWeights = step.Wants(1);
        var gradients = b.AddAll(new LinearCrossEntropyGradient(ofWeights), h, w, target, step.Output(1), gradient);
        step.Add(0, gradients[0]);
        if (ofWeights)
        {
            step.Add(1, gradients[1]);
        }
    }
}
