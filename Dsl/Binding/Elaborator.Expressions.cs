using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Expressions other than calls.</summary>
internal sealed partial class Elaborator
{
    private Entity Evaluate(ExpressionSyntax expression, Frame frame)
    {
        if (_nesting >= DeepestNesting)
        {
            return Fail(frame, DiagnosticIds.TooLarge, expression.Span, "nested too deeply");
        }

        _nesting++;
        try
        {
            return EvaluateCore(expression, frame);
        }
        catch (ShapeException e)
        {
            return FailShape(frame, expression.Span, $"{frame.Quote(expression.Span)} {e.Message}");
        }
        catch (OverflowException)
        {
            return Fail(frame, DiagnosticIds.SizeOutOfRange, expression.Span, $"{frame.Quote(expression.Span)} has a size that no machine can hold");
        }
        finally
        {
            _nesting--;
        }
    }

    private Entity EvaluateCore(ExpressionSyntax expression, Frame frame) => expression switch
    {
        NumberSyntax number => FromNumber(number.Value, number.IsInteger),
        StringSyntax text => new Word(text.Value),
        NameSyntax name => EvaluateName(name, frame),
        TupleSyntax tuple => EvaluateSeries(tuple.Items, frame),
        ListSyntax list => EvaluateSeries(list.Items, frame),
        NegateSyntax negate => EvaluateNegation(negate, frame),
        TransposeSyntax transpose => EvaluateTransposition(transpose, frame),
        BinarySyntax { Operator: "@" } contraction => EvaluateContraction(contraction, frame),
        BinarySyntax binary => EvaluateBinary(binary, frame),
        CallSyntax call => EvaluateCall(call, frame),
        IndexSyntax index => EvaluateIndex(index, frame),
        MemberSyntax member => EvaluateMember(member, frame),
        RepeatSyntax repeat => EvaluateRepeat(repeat, frame),
        AppliedNameSyntax applied => Fail(
            frame, DiagnosticIds.WrongKind, applied.Span,
            $"{frame.Quote(applied.Span)} stands only in `by: sum(top 2)`; a choice is `top(k, of: x)`"),
        EllipsisSyntax => Fail(frame, DiagnosticIds.WrongKind, expression.Span, "`..` stands only in shapes"),
        _ => throw new InvalidOperationException($"no meaning for {expression.GetType().Name}"),
    };

    private Entity EvaluateName(NameSyntax name, Frame frame)
    {
        if (frame.Find(name.Text) is { } entity)
        {
            return entity;
        }

        if (name.Text == "load" && frame.Router is { } router)
        {
            return RouterLoad(name, router, frame);
        }

        if (session.Find(name.Text, frame.Source) is { } declaration)
        {
            return new DeclarationName(declaration);
        }

        return UnknownName(name, frame);
    }

    // Apart, because a method with queries makes their closure before it knows whether it is needed.
    private Entity UnknownName(NameSyntax name, Frame frame)
    {
        if (session.Lost.Contains(name.Text))
        {
            return Silent();
        }

        if (Builtins.ContainsKey(name.Text))
        {
            return Fail(frame, DiagnosticIds.WrongKind, name.Span, $"`{name.Text}` is a function and wants its values in parentheses");
        }

        if (frame.Declaration.Syntax is BlockSyntax block && block.Body.FirstOrDefault(s => s.Span.Start > name.Span.Start && Defines(s, name.Text)) is { } later)
        {
            return Fail(frame, DiagnosticIds.UnknownName, name.Span, $"nothing is called `{name.Text}` yet; line {frame.Source.Line(later.Span.Start)} defines it");
        }

        var candidates = frame.VisibleNames().Concat(session.Names).Concat(Builtins.Keys);
        return Fail(frame, DiagnosticIds.UnknownName, name.Span, $"nothing is called `{name.Text}` here{Suggestion.Hint(name.Text, candidates)}");
    }

    private static bool Defines(StatementSyntax statement, string name) => statement switch
    {
        AssignSyntax assign => assign.Targets.Any(t => t.Text == name),
        LetSyntax let => let.Name.Text == name,
        ParamSyntax param => param.Name.Text == name,
        StateSyntax state => state.Name.Text == name,
        _ => false,
    };

    private Entity EvaluateSeries(EquatableArray<ExpressionSyntax> items, Frame frame)
    {
        var values = items.Select(i => Evaluate(i, frame)).ToEquatableArray();
        return values.Any(v => v is Poison) ? Poison.Instance : new Series(values);
    }

    private Entity EvaluateNegation(NegateSyntax syntax, Frame frame) => Evaluate(syntax.Operand, frame) switch
    {
        Size size => new Size(Dim.Zero - size.Dim),
        Number number => new Number(-number.Value),
        Poison poison => poison,
        var operand => AsTensor(operand, syntax.Operand.Span, frame) is { } x ? Map(UnaryFunction.Negate, x, frame) : Poison.Instance,
    };

    private Entity EvaluateTransposition(TransposeSyntax syntax, Frame frame)
    {
        var operand = Evaluate(syntax.Operand, frame);
        if (operand is Poison || AsTensor(operand, syntax.Operand.Span, frame) is not { } x)
        {
            return Poison.Instance;
        }

        if (x.Rank < 2)
        {
            return FailShape(
                frame, syntax.Span, $"{frame.Quote(syntax.Span)} swaps the last two axes, but {frame.Quote(syntax.Operand.Span)} is {x.Type}");
        }

        if (x.Lead == Lead.Rows && x.Rank == 2)
        {
            return Mixed(syntax.Span, frame);
        }

        var hidden = x.Lead == Lead.Experts ? 1 : 0;
        var axes = Enumerable.Range(0, x.Rank + hidden).ToArray();
        (axes[axes.Length - 1], axes[axes.Length - 2]) = (axes[axes.Length - 2], axes[axes.Length - 1]);
        var value = frame.Region.Builder.Transpose(Here(x, frame), axes);
        var shape = x.Shape.Take(x.Rank - 2).Concat([x.Type.Last, x.Shape[x.Rank - 2]]).ToEquatableArray();
        return x with { Region = frame.Region, Value = value, Type = x.Type.With(shape), Ghosts = 0 };
    }

    private Entity EvaluateBinary(BinarySyntax syntax, Frame frame)
    {
        var left = Evaluate(syntax.Left, frame);
        var right = Evaluate(syntax.Right, frame);
        if (left is Poison || right is Poison)
        {
            return Poison.Instance;
        }

        if (left is Size or Number && right is Size or Number)
        {
            var number = Calculate(syntax.Operator, left, right) ?? (IsUnknown(left) || IsUnknown(right) ? UnknownSize : null);
            if (number is not null)
            {
                return number;
            }
        }

        if (syntax.Operator == "^" && AsReal(right) is { } exponent && left is Tensor)
        {
            return AsTensor(left, syntax.Left.Span, frame) is { } root ? Power(root, exponent, frame) : Poison.Instance;
        }

        if (AsTensor(left, syntax.Left.Span, frame) is not { } x || AsTensor(right, syntax.Right.Span, frame) is not { } y)
        {
            return Poison.Instance;
        }

        return x.Type.Element != y.Type.Element
            ? Fail(
                frame,
                DiagnosticIds.ElementType,
                syntax.Span,
                $"{frame.Quote(syntax.Span)} joins floats with ints; `float(...)` makes floats of ints")
            : Combine(syntax.Operator, x, y, frame);
    }

    private Tensor Power(Tensor x, double exponent, Frame frame) => exponent switch
    {
        2 => Map(UnaryFunction.Square, x, frame),
        1 => x,
        -1 => Map(UnaryFunction.Reciprocal, x, frame),
        0.5 => Map(UnaryFunction.Sqrt, x, frame),
        -0.5 => Map(UnaryFunction.Rsqrt, x, frame),
        _ => Combine(BinaryFunction.Power, x, ScalarTensor(new Number(exponent), frame), frame),
    };

    private Tensor Combine(string op, Tensor x, Tensor y, Frame frame) => op switch
    {
        "+" => Combine(BinaryFunction.Add, x, y, frame),
        "-" => Combine(BinaryFunction.Subtract, x, y, frame),
        "*" => Combine(BinaryFunction.Multiply, x, y, frame),
        "/" => Combine(BinaryFunction.Divide, x, y, frame),
        "^" => Combine(BinaryFunction.Power, x, y, frame),
        "<" => Combine(BinaryFunction.Less, x, y, frame),
        ">" => Combine(BinaryFunction.Less, y, x, frame),
        "<=" => Not(Combine(BinaryFunction.Less, y, x, frame), frame),
        ">=" => Not(Combine(BinaryFunction.Less, x, y, frame), frame),
        "==" => Combine(BinaryFunction.Equal, x, y, frame),
        _ => throw new InvalidOperationException($"no meaning for operator {op}"),
    };

    private Tensor Not(Tensor x, Frame frame) => Combine(BinaryFunction.Subtract, ScalarTensor(new Size(1), frame), x, frame);

    /// <summary><c>weight[tokens]</c> takes rows of a table, <c>score[choose]</c> elements of each row.</summary>
    private Entity EvaluateIndex(IndexSyntax syntax, Frame frame)
    {
        var operand = Evaluate(syntax.Operand, frame);
        var indices = syntax.Indices.Select(i => Evaluate(i, frame)).ToArray();
        if (operand is Poison || indices.Any(i => i is Poison))
        {
            return Poison.Instance;
        }

        if (indices.Any(IsUnknown))
        {
            return Silent();
        }

        if (operand is Series series && indices.Length == 1 && indices[0] is Size { Dim.IsConstant: true })
        {
            return Count(
                indices[0], syntax.Indices[0].Span, frame, 0, series.Items.Count - 1, "the index") is { } at ? series.Items[(int)at] : Poison.Instance;
        }

        if (indices.Length != 1)
        {
            return Fail(frame, DiagnosticIds.WrongArguments, syntax.Span, "one index is wanted");
        }

        if (AsTensor(operand, syntax.Operand.Span, frame) is not { } x || AsTensor(indices[0], syntax.Indices[0].Span, frame) is not { } index)
        {
            return Poison.Instance;
        }

        if (index.Type.Element != ElementType.I32)
        {
            return Fail(
                frame, DiagnosticIds.ElementType, syntax.Indices[0].Span,
                $"an index holds ints, but {frame.Quote(syntax.Indices[0].Span)} is {index.Type}");
        }

        if (x.Lead == Lead.Experts)
        {
            x = ToRows(x, frame);
        }

        var isTable = frame.Region.Builder[Here(x, frame).Node].Operation is Parameter || x.Rank != index.Rank || x.Rank < 2;
        if (!isTable && x.Shape.Take(x.Rank - 1).SequenceEqual(index.Shape.Take(x.Rank - 1)))
        {
            return Made(frame.Region.Builder.Add(new TakeAlong(), Here(x, frame), Here(index, frame)), frame, x);
        }

        return x.Lead == Lead.Rows || x.Rank == 0
            ? Mixed(syntax.Span, frame)
            : Made(frame.Region.Builder.Add(new Gather(), Here(x, frame), Here(index, frame)), frame, index);
    }
}
