using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Built-in functions that move elements without computing.</summary>
internal sealed partial class Elaborator
{
    /// <summary><c>split(x, [a, b])</c> cuts the last axis; <c>split(x, heads: [a, b], width: w)</c> sees it as [a + b, w] first.</summary>
    private Entity Split(BuiltinCall call)
    {
        var frame = call.Frame;
        if (TensorArgument(call, "x") is not { } x)
        {
            return Poison.Instance;
        }

        var byHeads = call["heads"] is not null;
        if (byHeads ? call["width"] is null || call["sizes"] is not null : call["sizes"] is null || call["width"] is not null)
        {
            return Fail(
                frame, DiagnosticIds.WrongArguments, call.Syntax.Span, "`split` is written `split(x, [a, b])` or `split(x, heads: [a, b], width: w)`");
        }

        if (x.Rank == 0 || (x.Lead == Lead.Rows && x.Rank == 1))
        {
            return FailShape(frame, call.Syntax.Span, $"{frame.Quote(call["x"]!.Span)} is {x.Type} and has no axis to split");
        }

        if (SizesArgument(call, byHeads ? "heads" : "sizes") is not { } sizes)
        {
            return Poison.Instance;
        }

        var total = sizes.Aggregate(Dim.Zero, (a, b) => a + b);
        var width = Dim.One;
        if (byHeads && (AxisSize(Evaluate(call["width"]!, frame), call["width"]!.Span, frame, "`width` of `split`") is not { } w || (width = w) is null))
        {
            return Poison.Instance;
        }

        if (!(total * width).Equals(x.Type.Last))
        {
            var wanted = byHeads ? $"{total} heads of {width} make {total * width}" : $"the pieces {sizes} make {total}";
            return FailShape(frame, call.Syntax.Span, $"{frame.Quote(call["x"]!.Span)} has a last axis of {x.Type.Last}, but {wanted}");
        }

        var builder = frame.Region.Builder;
        var leading = x.Shape.Take(x.Rank - 1).ToArray();
        var value = byHeads ? builder.Reshape(Here(x, frame), leading.Concat([total, width])) : Here(x, frame);
        var pieces = new List<Entity>();
        var start = Dim.Zero;
        foreach (var size in sizes)
        {
            var shape = byHeads ? leading.Concat([size, width]) : leading.Append(size);
            pieces.Add(size.Equals(Dim.Zero)
                ? new EmptyTensor(x.Type.With(shape.ToEquatableArray()))
                : Made(builder.Slice(value, x.Rank - 1, start, size), frame, x));
            start += size;
        }

        return pieces.Count == 1 ? pieces[0] : new Series(pieces.ToEquatableArray());
    }

    private Entity Merge(BuiltinCall call)
    {
        if (TensorArgument(call, "x") is not { } x)
        {
            return Poison.Instance;
        }

        return x.Rank < 2 ? FailShape(
            call.Frame, call.Syntax.Span, $"`merge` makes the last two axes one, but {call.Frame.Quote(call["x"]!.Span)} is {x.Type}")
            : x.Lead == Lead.Rows && x.Rank == 2 ? Mixed(call.Syntax.Span, call.Frame)
            : Made(call.Frame.Region.Builder.Reshape(Here(x, call.Frame), x.Shape.Take(x.Rank - 2).Append(x.Shape[x.Rank - 2] * x.Type.Last)), call.Frame, x);
    }

    private Entity Concatenate(BuiltinCall call)
    {
        var frame = call.Frame;
        var parts = new List<Tensor>();
        EmptyTensor? empty = null;
        foreach (var syntax in call.Variadic)
        {
            var value = Evaluate(syntax, frame);
            if (value is EmptyTensor nothing)
            {
                empty = nothing;
            }
            else if (AsTensor(value, syntax.Span, frame) is { } part)
            {
                parts.Add(part.Lead == Lead.Experts ? ToRows(part, frame) : part);
            }
            else
            {
                return Poison.Instance;
            }
        }

        if (parts.Count == 0)
        {
            return empty!;
        }

        var rank = parts[0].Rank;
        var axis = rank - 1;
        if (call["axis"] is { } given)
        {
            if (Count(Evaluate(given, frame), given.Span, frame, -rank, rank - 1, "`axis` of `concat`") is not { } number)
            {
                return Poison.Instance;
            }

            axis = (int)(number < 0 ? number + rank : number);
        }

        if (rank == 0)
        {
            return FailShape(frame, call.Syntax.Span, "`concat` joins tensors along an axis; numbers have none");
        }

        var rows = parts.FirstOrDefault(p => p.Lead == Lead.Rows);
        if (rows is not null && (axis == 0 || parts.Any(p => p.Lead != Lead.Rows)))
        {
            return Mixed(call.Syntax.Span, frame);
        }

        return parts.Count == 1 ? parts[0] : Made(frame.Region.Builder.Add(new Concat(axis), parts.Select(p => Here(p, frame))), frame, rows);
    }

    private Entity Reshape(BuiltinCall call) => TensorArgument(call, "x") is not { } x || SizesArgument(call, "shape") is not { } shape ? Poison.Instance
        : KeepsRows(x, shape) ? Made(call.Frame.Region.Builder.Reshape(Here(x, call.Frame), shape), call.Frame, x)
        : Mixed(call.Syntax.Span, call.Frame);

    /// <summary>Stretches axes of size 1, and adds leading ones, until the shape is the given one.</summary>
    private Entity Expand(BuiltinCall call) => TensorArgument(call, "x") is not { } x || SizesArgument(call, "shape") is not { } shape ? Poison.Instance
        : KeepsRows(x, shape) ? Made(call.Frame.Region.Builder.Broadcast(Here(x, call.Frame), shape), call.Frame, x)
        : Mixed(call.Syntax.Span, call.Frame);

    private static bool KeepsRows(Tensor x, EquatableArray<Dim> shape) => x.Lead != Lead.Rows || (shape.Count > 0 && shape[0].Equals(x.Shape[0]));

    private Entity TransposeAxes(BuiltinCall call)
    {
        if (TensorArgument(call, "x") is not { } x || ListArgument(call, "order") is not { } list)
        {
            return Poison.Instance;
        }

        var order = new List<int>();
        foreach (var item in list.Items)
        {
            if (Count(item, call["order"]!.Span, call.Frame, 0, Math.Max(x.Rank - 1, 0), "an axis of `transpose`") is not { } axis)
            {
                return Poison.Instance;
            }

            order.Add((int)axis);
        }

        return x.Lead == Lead.Rows && (order.Count == 0 || order[0] != 0)
            ? Mixed(call.Syntax.Span, call.Frame)
            : Made(call.Frame.Region.Builder.Transpose(Here(x, call.Frame), order), call.Frame, x);
    }
}
