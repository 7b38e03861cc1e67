using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Built-in functions other than views: elementwise, reductions, attention, choice.</summary>
internal sealed partial class Elaborator
{
    private Entity Elementwise(BuiltinCall call, UnaryFunction function, Func<double, double>? fold)
    {
        var syntax = call["x"]!;
        var value = Evaluate(syntax, call.Frame);
        if (AsReal(value) is { } number && fold is not null)
        {
            var isInteger = value is Size && function is UnaryFunction.Abs or UnaryFunction.Sign or UnaryFunction.Floor or UnaryFunction.StopGradient;
            return FromNumber(fold(number), isInteger);
        }

        if (IsUnknown(value))
        {
            return UnknownSize;
        }

        if (AsTensor(value, syntax.Span, call.Frame) is not { } x)
        {
            return Poison.Instance;
        }

        if (function == UnaryFunction.ToFloat && x.Type.Element == ElementType.F32)
        {
            return x;
        }

        var wantsInts = function == UnaryFunction.ToFloat;
        return x.Type.Element == ElementType.I32 && !wantsInts
            ? Fail(
                call.Frame, DiagnosticIds.ElementType, call.Syntax.Span,
                $"`{call.Builtin.Name}` takes floats, but {call.Frame.Quote(syntax.Span)} is {x.Type}; `float(...)` makes floats of ints")
            : Map(function, x, call.Frame);
    }

    /// <summary>Reduces the named axes, or the last one that is not reduced yet.</summary>
    private Entity Reduction(BuiltinCall call, Func<Tensor, IReadOnlyList<int>, Tensor> reduce)
    {
        if (TensorArgument(call, "x") is not { } x)
        {
            return Poison.Instance;
        }

        if (x.Type.Element != ElementType.F32)
        {
            return Fail(
                call.Frame, DiagnosticIds.ElementType, call.Syntax.Span, $"`{call.Builtin.Name}` takes floats; `float(...)` makes floats of ints");
        }

        var axes = new List<int>();
        if (call["axis"] is { } syntax)
        {
            if (ListArgument(call, "axis") is not { } list)
            {
                return Poison.Instance;
            }

            foreach (var item in list.Items)
            {
                if (Count(
                    item, syntax.Span, call.Frame, -x.Rank, x.Rank - 1, $"an axis of {call.Frame.Quote(call["x"]!.Span)}") is not { } axis)
                {
                    return Poison.Instance;
                }

                axes.Add((int)(axis < 0 ? axis + x.Rank : axis));
            }
        }
        else
        {
            var last = x.Rank - 1;
            while (last >= 0 && x.IsGhost(last))
            {
                last--;
            }

            if (last >= 0)
            {
                axes.Add(last);
            }
        }

        return x.Lead == Lead.Rows && axes.Contains(0) ? Mixed(call.Syntax.Span, call.Frame)
            : axes.Count == 0 ? x
            : reduce(x, axes.Distinct().OrderBy(a => a).ToArray());
    }

    /// <summary><c>max(x)</c> reduces, <c>max(x, y)</c> compares.</summary>
    private Entity Extreme(BuiltinCall call, BinaryFunction function)
    {
        var frame = call.Frame;
        if (call["y"] is { } second)
        {
            var (left, right) = (Evaluate(call["x"]!, frame), Evaluate(second, frame));
            if (AsReal(left) is { } a && AsReal(right) is { } b)
            {
                return FromNumber(function == BinaryFunction.Maximum ? Math.Max(a, b) : Math.Min(a, b), left is Size && right is Size);
            }

            if ((IsUnknown(left) || IsUnknown(right)) && (IsUnknown(left) || AsReal(left) is not null) && (IsUnknown(right) || AsReal(right) is not null))
            {
                return UnknownSize;
            }

            return AsTensor(left, call["x"]!.Span, frame) is { } x && AsTensor(right, second.Span, frame) is { } y ? Combine(function, x, y, frame) : Poison.Instance;
        }

        return Reduction(
            call,
            (x, axes) => function == BinaryFunction.Maximum
                ? Reduce(ReduceFunction.Maximum, x, axes, frame)
                : Map(UnaryFunction.Negate, Reduce(ReduceFunction.Maximum, Map(UnaryFunction.Negate, x, frame), axes, frame), frame));
    }

    private Entity Where(BuiltinCall call)
    {
        var (c, x, y) = (TensorArgument(call, "condition"), TensorArgument(call, "x"), TensorArgument(call, "y"));
        if (c is null || x is null || y is null)
        {
            return Poison.Instance;
        }

        var (values, ghosts, rows) = Align([c, x, y], call.Frame);
        return Made(call.Frame.Region.Builder.Select(values[0], values[1], values[2]), call.Frame, rows, ghosts);
    }

    private Entity Counter(BuiltinCall call, Func<Dim, Leaf> make)
    {
        var syntax = call["length"]!;
        return AxisSize(Evaluate(syntax, call.Frame), syntax.Span, call.Frame, $"the length of `{call.Builtin.Name}`") is { } length
            ? Made(call.Frame.Region.Builder.Add(make(length)), call.Frame)
            : Poison.Instance;
    }

    private Entity Attention(BuiltinCall call)
    {
        var (q, k, v) = (TensorArgument(call, "q"), TensorArgument(call, "k"), TensorArgument(call, "v"));
        var mask = WordArgument(call, "mask", "none", "causal", "none");
        var window = CountArgument(call, "window", 0);
        var sink = call["sink"] is null ? null : TensorArgument(call, "sink");
        double? scale = 0;
        if (call["scale"] is { } given)
        {
            scale = RealNumber(Evaluate(given, call.Frame), given.Span, call.Frame, "`scale` of `attend`");
        }

        if (q is null || k is null || v is null || mask is null || window is null || scale is null || (sink is null && call["sink"] is not null))
        {
            return Poison.Instance;
        }

        if (new[] { q, k, v, sink }.Any(x => x is { Lead: Lead.Rows }))
        {
            return Mixed(call.Syntax.Span, call.Frame);
        }

        if (call["scale"] is null)
        {
            // A wrong rank is the operation's own complaint; an unknown width has no root.
            scale = q.Rank == 4 && q.Type.Last is { IsConstant: true, Constant: > 0 } width ? 1 / Math.Sqrt(width.Constant) : 1;
        }

        if (mask == "none" && window > 0)
        {
            return Fail(call.Frame, DiagnosticIds.WrongArguments, call.Syntax.Span, "`window` limits a causal mask: write `mask: causal, window: w`");
        }

        var operation = new Attend(mask == "causal" ? AttentionMask.Causal : AttentionMask.None, window.Value, scale.Value);
        Tensor[] operands = sink is null ? [q, k, v] : [q, k, v, sink];
        return Made(call.Frame.Region.Builder.Add(operation, operands.Select(x => Here(x, call.Frame))), call.Frame);
    }

    /// <summary><c>top(k, of: x, groups: g, keep: p, by: sum(top m))</c></summary>
    private Entity Choose(BuiltinCall call)
    {
        var count = CountArgument(call, "count", 1);
        var x = TensorArgument(call, "of");
        var groups = CountArgument(call, "groups", 1);
        var keep = CountArgument(call, "keep", groups ?? 1);
        var best = GroupScore(call);
        if (count is null || x is null || groups is null || keep is null || best is null)
        {
            return Poison.Instance;
        }

        return x.Lead == Lead.Rows && x.Rank < 2
            ? Mixed(call.Syntax.Span, call.Frame)
            : Made(call.Frame.Region.Builder.Add(new Top(count.Value, groups.Value, keep.Value, best.Value), Here(x, call.Frame)), call.Frame, x);
    }

    /// <summary>How many of its largest elements make the score of a group: <c>by: max</c> one, <c>by: sum(top 2)</c> two.</summary>
    private int? GroupScore(BuiltinCall call)
    {
        switch (call["by"])
        {
            case null or NameSyntax { Text: "max" }:
                return 1;
            case CallSyntax { Callee: NameSyntax { Text: "sum" }, Arguments: { Count: 1 } arguments }:
                var inner = arguments[0].Value;
                var number = inner is AppliedNameSyntax { Name.Text: "top" } applied ? applied.Value
                    : inner is CallSyntax { Callee: NameSyntax { Text: "top" }, Arguments: { Count: 1 } only } ? only[0].Value
                    : null;
                if (number is not null)
                {
                    return (int?)Count(Evaluate(number, call.Frame), number.Span, call.Frame, 1, int.MaxValue, "the number of scores of a group");
                }

                break;
        }

        Report(call.Frame, DiagnosticIds.WrongKind, call["by"]!.Span, "`by` is `max` or `sum(top m)`: how a group is scored");
        return null;
    }
}
