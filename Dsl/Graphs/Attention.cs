using static Mdl.Dsl.Graphs.Shapes;

namespace Mdl.Dsl.Graphs;

/// <summary>Which keys a query sees.</summary>
public enum AttentionMask
{
    /// <summary>All.</summary>
    None,

    /// <summary>Those at its own position and before; with a window w, only the last w of them, itself included.</summary>
    Causal,
}

/// <summary>
/// q [B, T, H, d], k [B, S, K, d], v [B, S, K, e], optional sink [H] -> output [B, T, H, e] and log-sum-exp [B, T, H].
/// Query head h reads key/value head h / (H / K). A sink is one more logit per head that takes part in the softmax and has no value.
/// Scores are multiplied by Scale. Window 0 means no limit.
/// </summary>
public sealed record Attend(AttentionMask Mask, int Window, double Scale) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        var (q, k, v) = (inputs[0], inputs[1], inputs[2]);
        Require(q.Rank == 4 && k.Rank == 4 && v.Rank == 4, $"attention wants [batch, time, heads, width], got {q}, {k}, {v}");
        Require(q.Shape[0].Equals(k.Shape[0]) && k.Shape[0].Equals(v.Shape[0]), $"batches differ: {q}, {k}, {v}");
        Require(k.Shape[1].Equals(v.Shape[1]) && k.Shape[2].Equals(v.Shape[2]), $"keys {k} and values {v} differ in time or heads");
        Require(Mask == AttentionMask.None || q.Shape[1].Equals(k.Shape[1]), $"a causal mask wants as many queries as keys: {q}, {k}");
        Require(q.Last.Equals(k.Last), $"contracts {q.Last} with {k.Last}");
        Require(Dim.Divide(q.Shape[2], k.Shape[2]) is not null, $"{q.Shape[2]} query heads do not share {k.Shape[2]} key/value heads evenly");
        Require(inputs.Count < 4 || inputs[3] == TensorType.F32(q.Shape[2]), $"sinks are [{q.Shape[2]}], one a head");
        return [TensorType.F32(q.Shape[0], q.Shape[1], q.Shape[2], v.Last), TensorType.F32(q.Shape[0], q.Shape[1], q.Shape[2])];
    }
}

/// <summary>q, k, v, output, log-sum-exp, gradient of the output, optional sink -> gradients of q, k, v and, with a sink, of the sink.</summary>
public sealed record AttendGradient(AttentionMask Mask, int Window, double Scale) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        Require(inputs[5] == inputs[3], $"the gradient {inputs[5]} is not shaped as the output {inputs[3]}");
        return inputs.Count > 6 ? [inputs[0], inputs[1], inputs[2], inputs[6]] : [inputs[0], inputs[1], inputs[2]];
    }
}
