using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary><c>loss</c> and <c>after step</c>: what only training computes.</summary>
internal sealed partial class Elaborator
{
    /// <summary>The training graph: a loss, to which those of <c>loss</c> statements are added, then metrics, loads and next states.</summary>
    private static BoundGraph Assembled(Value loss, List<(GraphOutput Output, Value Value)> outputs, IReadOnlyList<Value> inputs, Frame frame)
    {
        var (builder, region) = (frame.Region.Builder, frame.Region);
        if (region.Losses.Count > 0)
        {
            var aux = region.Losses.Aggregate((a, b) => builder.Binary(BinaryFunction.Add, a, b));
            outputs.Add((new(OutputKind.Metric, "aux"), aux));
            loss = builder.Binary(BinaryFunction.Add, loss, aux);
        }

        outputs.Insert(0, (new(OutputKind.Loss, "loss"), loss));
        outputs.AddRange(region.Loads.Select(l => (new GraphOutput(OutputKind.Load, l.Name), l.Value)));
        outputs.AddRange(region.States.Select(s => (new GraphOutput(OutputKind.State, s.Name), s.Value)));
        return new(region.Assemble(inputs, outputs.Select(o => o.Value).ToArray()), outputs.Select(o => o.Output).ToEquatableArray());
    }

    private void AddLoss(LossSyntax syntax, Frame frame)
    {
        if (!isTraining)
        {
            return;
        }

        if (AsTensor(Evaluate(syntax.Value, frame), syntax.Value.Span, frame) is not { } x)
        {
            return;
        }

        if (x.Lead != Lead.Plain)
        {
            Mixed(syntax.Span, frame);
        }
        else if (x.Shape.Any(d => !d.IsOne) || x.Type.Element != ElementType.F32)
        {
            if (!isGeneric || !x.Type.ToString().Contains(UnknownMark))
            {
                Report(
                    frame, DiagnosticIds.LossNotScalar, syntax.Value.Span,
                    $"a loss is one number, but {frame.Quote(syntax.Value.Span)} is {x.Type}; reduce it with `sum` or `mean`");
            }
        }
        else
        {
            frame.Region.Losses.Add(frame.Region.Builder.Reshape(Here(x, frame)));
        }
    }

    private void AfterStep(AfterStepSyntax syntax, Frame frame)
    {
        if (!isTraining)
        {
            return;
        }

        foreach (var statement in syntax.Body)
        {
            if (!Step(statement, frame))
            {
                return;
            }

            frame.Region.Builder.Origin = OriginOf(statement.Span, frame);
            if (statement is AssignSyntax { Targets.Count: 1 } assign && frame.States.TryGetValue(assign.Targets[0].Text, out var key))
            {
                Update(assign, key, frame);
            }
            else if (statement is AssignSyntax { Operator: "+=" } other)
            {
                var hint = Suggestion.Hint(other.Targets[0].Text, frame.States.Keys);
                Report(frame, DiagnosticIds.StateUpdate, other.Span, $"`{other.Targets[0]}` is not a state of this block{hint}");
            }
            else if (statement is AssignSyntax)
            {
                Run(statement, frame);
            }
            else
            {
                Report(frame, DiagnosticIds.StateUpdate, statement.Span, "`after step` holds assignments to states");
            }
        }
    }

    private void Update(AssignSyntax syntax, string key, Frame frame)
    {
        var name = syntax.Targets[0].Text;
        if (frame.Names[name] is not Tensor state || AsTensor(Evaluate(syntax.Value, frame), syntax.Value.Span, frame) is not { } value)
        {
            return;
        }

        if (Parameters.Find(key) is { IsFrozen: true })
        {
            return;
        }

        if (state.Lead != Lead.Plain || !ReferenceEquals(frame.Home.Region, frame.Region))
        {
            Report(
                frame, DiagnosticIds.StateUpdate, syntax.Span,
                $"`{name}` is shared by several instances or experts and cannot be updated by one of them");
            return;
        }

        if (frame.Region.States.Any(s => s.Name == key))
        {
            Report(frame, DiagnosticIds.StateUpdate, syntax.Span, $"`{name}` is updated twice in one step");
            return;
        }

        value = syntax.Operator == "+=" ? Combine(BinaryFunction.Add, state, value, frame) : value;
        value = value.Rank > state.Rank ? DropGhosts(value, frame) : value;
        var next = frame.Region.Builder.Broadcast(Here(value, frame), state.Shape);
        frame.Region.States.Add((key, next));
    }
}
