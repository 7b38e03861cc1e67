using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>
/// Elaborates one model with one set of sizes into a graph, by inlining every call. With <paramref name="isTraining"/> it follows losses, states and
/// mtp blocks too. A generic elaboration checks a block that no preset reaches: sizes that it does not know are symbols starting with '?'.
/// </summary>
internal sealed partial class Elaborator(Session session, bool isTraining, bool isGeneric = false, TrainSettings? settings = null)
{
    public const string UnknownMark = "?";

    // Bounds the stack: one level is a call, a statement or an expression, about a kilobyte.
    private const int DeepestNesting = 220;
    private const int DeepestCalls = 48;

    // A real model elaborates to a few hundred statements, one with repetitions written out to a few thousand.
    private const int MostStatements = 30_000;

    private int _nesting;
    private int _statements;

    /// <summary>Parameters and states in the order of first use.</summary>
    public ParameterTable Parameters { get; } = new();

    public bool Failed { get; private set; }

    private void Report(Frame frame, string id, Span span, string message, Severity severity = Severity.Error)
    {
        Failed |= severity == Severity.Error;
        var place = frame;
        while (place.Source.IsLibrary && place.Caller is not null)
        {
            span = place.CallSpan;
            place = place.Caller;
        }

        // A damaged body has its syntax error already; the rest of what is said about it would mislead.
        if (frame.Declaration.IsDamaged || place.Declaration.IsDamaged)
        {
            return;
        }

        message = isGeneric ? WithoutMarks(message) : message;
        var where = ReferenceEquals(place, frame) ? "" : $"in `{frame.Declaration.Name}`: ";
        session.Report(id, place.Source, span, where + message, severity);
    }

    private static string WithoutMarks(string message)
    {
        var text = new System.Text.StringBuilder(message.Length);
        for (var i = 0; i < message.Length; i++)
        {
            if (message[i] != UnknownMark[0] || i + 1 == message.Length || (!char.IsLetter(message[i + 1]) && message[i + 1] is not ('.' or '_')))
            {
                text.Append(message[i]);
            }
        }

        return text.ToString();
    }

    private Poison Fail(Frame frame, string id, Span span, string message)
    {
        Report(frame, id, span, message);
        return Poison.Instance;
    }

    /// <summary>A mismatch of sizes; not an error where one of them is a size that a generic elaboration does not know.</summary>
    private Poison FailShape(Frame frame, Span span, string message)
    {
        if (isGeneric && message.Contains(UnknownMark))
        {
            Failed = true;
            return Poison.Instance;
        }

        return Fail(frame, DiagnosticIds.ShapeMismatch, span, message);
    }

    private Poison Silent()
    {
        Failed = true;
        return Poison.Instance;
    }

    private void Run(EquatableArray<StatementSyntax> body, Frame frame)
    {
        foreach (var statement in body)
        {
            if (!Step(statement, frame))
            {
                return;
            }

            frame.Region.Builder.Origin = new(frame.Source.Text.Path, frame.Source.Line(statement.Span.Start));
            RunGuarded(statement, frame);
        }
    }

    /// <summary>Counts one statement; false once the elaboration has had its share.</summary>
    private bool Step(StatementSyntax statement, Frame frame)
    {
        session.Cancellation.ThrowIfCancellationRequested();
        if (++_statements == MostStatements)
        {
            Report(frame, DiagnosticIds.TooLarge, statement.Span, "the model elaborates to more statements than any model needs");
        }

        return _statements < MostStatements;
    }

    private void RunGuarded(StatementSyntax statement, Frame frame)
    {
        try
        {
            Run(statement, frame);
        }
        catch (ShapeException e)
        {
            FailShape(frame, statement.Span, e.Message);
        }
        catch (OverflowException)
        {
            Report(frame, DiagnosticIds.SizeOutOfRange, statement.Span, $"{frame.Quote(statement.Span)} has a size that no machine can hold");
        }
    }

    private void Run(StatementSyntax statement, Frame frame)
    {
        switch (statement)
        {
            case ParamSyntax param:
                Declare(param.Name, param.Type, param.Initial, param.Doc, isState: false, param.Span, frame);
                break;
            case StateSyntax state:
                Declare(state.Name, state.Type, state.Initial, state.Doc, isState: true, state.Span, frame);
                break;
            case LetSyntax let:
                Define(let.Name, Settle(Evaluate(let.Value, frame), let, frame), frame);
                break;
            case AssignSyntax assign:
                Assign(assign, frame);
                break;
            case ReturnSyntax result:
                Return(result, frame);
                break;
            case LossSyntax loss:
                AddLoss(loss, frame);
                break;
            case AfterStepSyntax after:
                AfterStep(after, frame);
                break;
            case MtpSyntax mtp:
                RunMtp(mtp, frame);
                break;
        }
    }

    /// <summary>A block gets its place from the name that it is given.</summary>
    private Entity Settle(Entity value, LetSyntax let, Frame frame) => value switch
    {
        Template or Repetition when !MayHoldBlocks(let.Span, frame) => Poison.Instance,
        Template template => new Instance(template, frame.Home.Inside(let.Name.Text)),
        Repetition repetition => repetition with { Segment = let.Name.Text },
        _ => value,
    };

    private void Define(Name name, Entity value, Frame frame)
    {
        if (frame.Names.TryGetValue(name.Text, out var taken) && taken is not (Tensor or EmptyTensor or Poison))
        {
            Report(frame, DiagnosticIds.DuplicateName, name.Span, $"`{name}` is defined already, as {taken.Kind}");
            frame.Names[name.Text] = Poison.Instance;
            return;
        }

        frame.Names[name.Text] = value;
    }

    private void Assign(AssignSyntax assign, Frame frame)
    {
        if (assign.Operator != "=")
        {
            Report(frame, DiagnosticIds.StateUpdate, assign.Span, "`+=` stands only in `after step` and changes a state");
            return;
        }

        var value = Evaluate(assign.Value, frame);
        if (assign.Targets.Count == 1)
        {
            AssignTo(assign.Targets[0], value, frame);
            return;
        }

        if (value is not (Poison or Series))
        {
            value = Fail(frame, DiagnosticIds.WrongArguments, assign.Span, $"{assign.Targets.Count} names are given {value.Kind}");
        }
        else if (value is Series series && series.Items.Count != assign.Targets.Count)
        {
            value = Fail(frame, DiagnosticIds.WrongArguments, assign.Span, $"{assign.Targets.Count} names are given {series.Items.Count} values");
        }

        for (var i = 0; i < assign.Targets.Count; i++)
        {
            AssignTo(assign.Targets[i], value is Series values ? values.Items[i] : Poison.Instance, frame);
        }
    }

    private void AssignTo(Name name, Entity value, Frame frame)
    {
        if (frame.States.ContainsKey(name.Text))
        {
            Report(frame, DiagnosticIds.StateUpdate, name.Span, $"the state `{name}` changes only in `after step`");
            return;
        }

        if (value is Template or Repetition)
        {
            Report(frame, DiagnosticIds.WrongKind, name.Span, $"a block is given a name with `let`: `let {name} = ...;`");
            value = Poison.Instance;
        }

        if (value is Tensor tensor)
        {
            tensor.Region.Builder.Name(tensor.Value, name.Text);
        }

        Define(name, value, frame);
    }

    private void Return(ReturnSyntax syntax, Frame frame)
    {
        var values = syntax.Values.Select(v => Evaluate(v, frame)).ToEquatableArray();
        if (frame.Result is not null)
        {
            Report(frame, DiagnosticIds.NoResult, syntax.Span, "a body returns once");
            return;
        }

        frame.Label = syntax.Label?.Text;
        frame.ResultSpan = syntax.Span;
        frame.Result = values.Any(v => v is Poison) ? Poison.Instance : values.Count == 1 ? values[0] : new Series(values);
        if (syntax.Label is { } label && values.Count == 1)
        {
            AssignTo(label, values[0], frame);
        }
    }
}
