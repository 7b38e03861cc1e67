using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>The tokens with those to be predicted, their weights as targets if the objective is masked, and the losses of the mtp depths so far.</summary>
internal sealed class Objective(Value tokens, Value? targetWeights, int depth, double weight)
{
    /// <summary>The name of the input with the weight of each token as a target.</summary>
    public const string TargetWeightsName = "target_weights";

    public Value Tokens { get; } = tokens;

    public Value? TargetWeights { get; } = targetWeights;

    /// <summary>What the training graph takes, in order.</summary>
    public IReadOnlyList<Value> Inputs => TargetWeights is { } weights ? [Tokens, weights] : [Tokens];

    public int Depth { get; } = depth;

    public double Weight { get; } = weight;

    public List<Value> Nlls { get; } = [];

    /// <summary>The depths as an elaboration for inference has them.</summary>
    public List<Draft> Drafts { get; } = [];
}

/// <summary>Next-token loss and multi-token prediction.</summary>
internal sealed partial class Elaborator
{
    /// <summary>
    /// Depth k sees the model's names as the depth before left them, <c>next</c> (the tokens k later), and predicts the token after that.
    /// </summary>
    private void RunMtp(MtpSyntax syntax, Frame frame)
    {
        if (_objective is null || _objective.Nlls.Count + _objective.Drafts.Count > 0)
        {
            return;
        }

        if (frame.Result is null || frame.Caller is not null)
        {
            Report(frame, DiagnosticIds.MtpBlock, new(syntax.Span.Start, 3), "an mtp block stands in a model, after its `return`");
            return;
        }

        var around = frame;
        for (var k = 1; k <= _objective.Depth; k++)
        {
            var path = _objective.Depth == 1 ? "mtp" : FormattableString.Invariant($"mtp[{k}]");
            var given = isTraining ? around : Given(around, frame);
            var depth = new Frame(frame.Declaration, frame.Region, frame.Home.Inside(path)) { Around = given };
            var next = isTraining ? TokensFrom(k, _objective.Tokens, frame) : frame.Region.Builder.Add(new Input("next", TensorType.I32(Batch, Time)));
            frame.Region.Builder.Name(next, "next");
            depth.Names["next"] = Made(next, frame);
            Run(syntax.Body, depth);
            switch (depth.Result)
            {
                case Tensor { Rank: 3 } logits when logits.Shape[0].Equals(Batch) && logits.Shape[1].Equals(Time) && (Vocabulary(frame) ?? logits.Shape[2]).Equals(logits.Shape[2]):
                    if (isTraining)
                    {
                        _objective.Nlls.Add(MeanNll(logits, k + 1, frame));
                    }
                    else
                    {
                        _objective.Drafts.Add(new(next, given, depth, logits));
                    }

                    break;
                case Poison:
                    return;
                case null:
                    Report(frame, DiagnosticIds.NoResult, new(syntax.Span.Start, 3), "an mtp block returns logits");
                    return;
                case var other:
                    FailShape(
                        frame, depth.ResultSpan,
                        $"an mtp block returns logits [B, T, {Vocabulary(frame)?.ToString() ?? "vocabulary"}], as the model does, but {frame.Quote(depth.ResultSpan)} gives {other.Kind}");
                    return;
            }

            around = depth;
        }
    }

    /// <summary>The last axis of what the model has returned; null where that is wrong in itself.</summary>
    private static Dim? Vocabulary(Frame model) => (model.Result is Series several ? several.Items[0] : model.Result) is Tensor { Rank: 3 } logits ? logits.Shape[2] : null;

    /// <summary>
    /// Mean of the negative log-likelihood of the tokens that stand <paramref name="ahead"/> places later: a scalar. Targets with weights count by them:
    /// sum(weight * nll) / max(1, sum(weight)), so that a batch without targets has the loss 0.
    /// </summary>
    private Value MeanNll(Tensor logits, int ahead, Frame frame)
    {
        var builder = frame.Region.Builder;
        var rows = Batch * Time;
        var flat = builder.Reshape(TokensFrom(ahead, _objective!.Tokens, frame), rows);
        var nll = Head(Here(logits, frame), frame) is var (h, w)
            ? builder.Add(new LinearCrossEntropy(), h, w, flat)
            : ComposedNll(logits, flat, frame);
        if (_objective.TargetWeights is { } given)
        {
            var weights = builder.Reshape(builder.Slice(given, 1, ahead, Time), rows);
            var sum = builder.Reduce(ReduceFunction.Sum, builder.Binary(BinaryFunction.Multiply, nll, weights), 0);
            var count = builder.Binary(BinaryFunction.Maximum, builder.Reduce(ReduceFunction.Sum, weights, 0), 1);
            return builder.Reshape(builder.Binary(BinaryFunction.Divide, sum, count));
        }

        var mean = Mean(Made(nll, frame), [0], frame);
        return builder.Reshape(Here(mean, frame));
    }

    /// <summary>The operands of <c>h @ w'</c> where that is how logits are made: then they need never be stored.</summary>
    private static (Value Hidden, Value Weight)? Head(Value logits, Frame frame)
    {
        var builder = frame.Region.Builder;
        var node = builder[logits.Node];
        if (node.Operation is Graphs.Reshape)
        {
            node = builder[node.Inputs[0].Node];
        }

        if (node.Operation is not Contract { TransposeLeft: false } contract || !node.Types[0].Last.Equals(builder.Type(logits).Last) || node.Types[0].Rank != 2)
        {
            return null;
        }

        return (node.Inputs[0], contract.TransposeRight ? node.Inputs[1] : builder.Transpose(node.Inputs[1], 1, 0));
    }

    private Value ComposedNll(Tensor logits, Value targets, Frame frame)
    {
        var builder = frame.Region.Builder;
        var rows = builder.Type(targets).Shape[0];
        var flat = Made(builder.Reshape(Here(logits, frame), rows, logits.Type.Last), frame);
        var chosen = Made(builder.Add(new TakeAlong(), Here(flat, frame), builder.Reshape(targets, rows, Dim.One)), frame);
        var nll = Combine(BinaryFunction.Subtract, LogSumExp(flat, [1], frame), chosen, frame);
        return builder.Reshape(Here(nll, frame), rows);
    }
}
