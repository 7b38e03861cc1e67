using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Evaluation;

internal static partial class Meaning
{
    private static NDArray[] LinearCrossEntropy(NDArray h, NDArray w, NDArray target)
    {
        var logits = Contract(new(false, true), h, w);
        var (n, v) = (logits.Shape[0], logits.Shape[1]);
        NDArray nll = new([n]), logSumExp = new([n]);
        for (var i = 0; i < n; i++)
        {
            logSumExp.Data[i] = LogSumExp(logits.Data.Skip(i * v).Take(v).ToArray());
            nll.Data[i] = logSumExp.Data[i] - logits.Data[i * v + (int)target.Data[i]];
        }

        return [nll, logSumExp];
    }

    private static NDArray[] LinearCrossEntropyWithGradient(bool ofWeights, NDArray h, NDArray w, NDArray target, NDArray gradient)
    {
        var losses = LinearCrossEntropy(h, w, target);
        return [.. losses, .. LinearCrossEntropyGradient(ofWeights, h, w, target, losses[1], gradient)];
    }

    private static NDArray[] LinearCrossEntropyGradient(bool ofWeights, NDArray h, NDArray w, NDArray target, NDArray logSumExp, NDArray gradient)
    {
        var logits = Contract(new(false, true), h, w);

        // The derivative of the nll by the logits is softmax - onehot(target).
        var g = NDArray.Build(logits.Shape, at => gradient.Data[at[0]]
            * (Math.Exp(logits.Data[at[0] * logits.Last + at[1]] - logSumExp.Data[at[0]]) - (at[1] == (int)target.Data[at[0]] ? 1 : 0)));
        return ofWeights ? [Contract(new(false, false), g, w), Contract(new(true, false), g, h)] : [Contract(new(false, false), g, w)];
    }

    private static double LogSumExp(double[] x)
    {
        var max = x.Max();
        return max + Math.Log(x.Sum(v => Math.Exp(v - max)));
    }
}
