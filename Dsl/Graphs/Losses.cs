using static Mdl.Dsl.Graphs.Shapes;

namespace Mdl.Dsl.Graphs;

/// <summary>
/// Negative log-likelihood of targets under softmax(h w'), without storing the logits:
/// h [N, D], w [V, D], target int[N] -> nll [N], log-sum-exp [N].
/// </summary>
public sealed record LinearCrossEntropy : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var (h, w, target) = (inputs[0], inputs[1], inputs[2]);
        Require(h.Rank == 2 && w.Rank == 2 && h.Last.Equals(w.Last), $"cannot contract {h} with {w}'");
        Require(target == TensorType.I32(h.Shape[0]), $"targets are {target}, wanted int[{h.Shape[0]}]");
        return [TensorType.F32(h.Shape[0]), TensorType.F32(h.Shape[0])];
    }
}

/// <summary>
/// Loss and gradients at once, where the gradient of the nll does not depend on the nll: h, w, target, gradient of the nll [N] -> nll [N],
/// log-sum-exp [N], gradients of h and, if wanted, w.
/// </summary>
public sealed record LinearCrossEntropyWithGradient(bool OfWeights = true) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var losses = new LinearCrossEntropy().Infer([inputs[0], inputs[1], inputs[2]]);
        Require(inputs[3] == losses[0], $"the gradient {inputs[3]} is not shaped as the nll {losses[0]}");
        return OfWeights ? [.. losses, inputs[0], inputs[1]] : [.. losses, inputs[0]];
    }
}

/// <summary>h, w, target, log-sum-exp [N], gradient of the nll [N] -> gradients of h and, if wanted, w.</summary>
public sealed record LinearCrossEntropyGradient(bool OfWeights = true) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        Require(inputs[3] == inputs[4], $"the gradient {inputs[4]} is not shaped as the log-sum-exp {inputs[3]}");
        return OfWeights ? [inputs[0], inputs[1]] : [inputs[0]];
    }
}
