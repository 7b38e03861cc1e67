using System.Diagnostics.CodeAnalysis;
using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>A whole model: tokens in, logits or a loss out.</summary>
internal sealed partial class Elaborator
{
    private const int DeepestPrediction = 16;

    private static readonly Dim Batch = Dim.Symbol("B");
    private static readonly Dim Time = Dim.Symbol("T");

    private Objective? _objective;

    /// <summary>Depth of multi-token prediction, 0 without an mtp block.</summary>
    public int MtpDepth => _objective?.Depth ?? 0;

    /// <summary>The graph of the model, or null if something was wrong.</summary>
    public BoundGraph? ElaborateModel(Declaration declaration, IReadOnlyDictionary<string, Entity> arguments)
    {
        var model = (BlockSyntax)declaration.Syntax;
        var region = new Region(null, 0, 0);
        var frame = new Frame(declaration, region, new Home(region, ""));
        foreach (var argument in arguments)
        {
            frame.Names[argument.Key] = argument.Value;
        }

        if (!isGeneric)
        {
            session.Reached.Add(model);
        }

        var mtp = MtpOf(model, frame);
        if (mtp.Depth is null || !BindTokens(model, mtp.Depth.Value, frame, out var tokens))
        {
            return null;
        }

        var weights = isTraining && settings is { IsMasked: true }
            ? frame.Region.Builder.Add(new Input(Objective.TargetWeightsName, TensorType.F32(Batch, Time + 1 + mtp.Depth.Value)))
            : (Value?)null;
        _objective = new(tokens, weights, mtp.Depth.Value, mtp.Weight);
        Run(model.Body, frame);
        if (Logits(model, frame) is not { } results || Failed)
        {
            return null;
        }

        if (isTraining)
        {
            return TrainingGraph(results[0], frame);
        }

        Drafts = DraftGraphs(frame);
        return ForwardGraph(tokens, results, frame);
    }

    /// <summary>Depth and weight of the model's mtp block; depth 0 if it has none, null after a diagnostic.</summary>
    private (int? Depth, double Weight) MtpOf(BlockSyntax model, Frame frame)
    {
        var blocks = model.Body.OfType<MtpSyntax>().ToArray();
        if (blocks.Length == 0)
        {
            return (0, 0);
        }

        if (blocks.Length > 1)
        {
            Report(frame, DiagnosticIds.MtpBlock, blocks[1].Span, "a model has one mtp block, whose depth says how many tokens ahead it predicts");
        }

        var given = Evaluate(blocks[0].Depth, frame);
        var depth = isGeneric && IsUnknown(given) ? 1 : (int?)Count(given, blocks[0].Depth.Span, frame, 1, DeepestPrediction, "the depth of mtp");
        var weight = Evaluate(blocks[0].Weight, frame);
        return isGeneric && IsUnknown(weight) ? (depth, 1)
            : RealNumber(weight, blocks[0].Weight.Span, frame, "the weight of mtp") is { } value ? (depth, value)
            : (null, 0);
    }

    private bool BindTokens(BlockSyntax model, int depth, Frame frame, [NotNullWhen(true)] out Value? tokens)
    {
        tokens = null;
        if (model.Inputs.Count != 1
            || model.Inputs[0].Type is not { Element: "int", Shape: { Count: 2 } shape }
            || shape[0] is not NameSyntax batch
            || shape[1] is not NameSyntax time
            || batch.Text == time.Text
            || frame.Names.ContainsKey(batch.Text)
            || frame.Names.ContainsKey(time.Text))
        {
            Report(
                frame, DiagnosticIds.ModelInput, model.Inputs.Count > 0 ? model.Inputs[0].Span : model.Name.Span,
                $"the model `{model.Name}` takes one input, `tokens: int[B, T]`");
            return false;
        }

        frame.Names[batch.Text] = new Size(Batch);
        frame.Names[time.Text] = new Size(Time);
        var builder = frame.Region.Builder;
        builder.Origin = OriginOf(model.Inputs[0].Span, frame);
        tokens = builder.Add(new Input("tokens", TensorType.I32(Batch, isTraining ? Time + 1 + depth : Time)));
        frame.Names[model.Inputs[0].Name.Text] = Made(TokensFrom(0, tokens, frame), frame);
        return true;
    }

    /// <summary>T tokens of each sequence, from a position on.</summary>
    private static Value TokensFrom(int start, Value tokens, Frame frame) => frame.Region.Builder.Slice(tokens, 1, start, Time);

    /// <summary>What the model returns: the first result is logits [B, T, V].</summary>
    private Tensor[]? Logits(BlockSyntax model, Frame frame)
    {
        if (frame.Result is not null && frame.Result is not Poison)
        {
            var first = frame.Result is Series several ? several.Items[0] : frame.Result;
            if (first is not Tensor { Rank: 3 } logits || !logits.Shape[0].Equals(Batch) || !logits.Shape[1].Equals(Time) || logits.Type.Element != ElementType.F32)
            {
                FailShape(
                    frame, frame.ResultSpan, $"a model returns logits [B, T, vocabulary], but {frame.Quote(frame.ResultSpan)} gives {first.Kind}");
                return null;
            }
        }

        var results = Leave(frame, model.Results, null);
        return results is Poison ? null : (results is Series series ? series.Items : [results]).OfType<Tensor>().ToArray();
    }

    private BoundGraph ForwardGraph(Value tokens, Tensor[] results, Frame frame)
    {
        var outputs = results.Select((_, i) => new GraphOutput(
            OutputKind.Result, i == 0 ? frame.Label ?? "logits" : FormattableString.Invariant($"result{i}")));
        var carried = Drafts.Names.Select(name => Here((Tensor)frame.Find(name)!, frame));
        return new(
            frame.Region.Assemble([tokens], [.. results.Select(r => Here(r, frame)), .. carried]),
            outputs.Concat(Drafts.Names.Select(name => new GraphOutput(OutputKind.Carried, name))).ToEquatableArray());
    }

    private BoundGraph TrainingGraph(Tensor logits, Frame frame)
    {
        var builder = frame.Region.Builder;
        builder.Origin = OriginOf(frame.ResultSpan, frame);
        var nll = MeanNll(logits, 1, frame);
        builder.Name(nll, "nll");
        List<(GraphOutput Output, Value Value)> outputs = [(new(OutputKind.Metric, "nll"), nll)];
        var loss = nll;
        if (_objective!.Nlls.Count > 0 && settings?.MtpWeight != 0)
        {
            var sum = _objective.Nlls.Aggregate((a, b) => builder.Binary(BinaryFunction.Add, a, b));
            var mean = _objective.Nlls.Count == 1 ? sum : builder.Binary(BinaryFunction.Divide, sum, _objective.Nlls.Count);
            outputs.Add((new(OutputKind.Metric, "mtp"), mean));
            loss = builder.Binary(BinaryFunction.Add, loss, builder.Binary(BinaryFunction.Multiply, mean, settings?.MtpWeight ?? _objective.Weight));
        }

        return Assembled(loss, outputs, _objective.Inputs, frame);
    }
}
