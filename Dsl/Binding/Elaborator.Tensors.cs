using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Elementwise computation with broadcasting, ghost axes and rows of experts.</summary>
internal sealed partial class Elaborator
{
    // Ghost axes are a bit mask; no real tensor comes near.
    private const int MostAxes = 16;

    /// <summary>The value as the frame's region sees it.</summary>
    private static Value Here(Tensor x, Frame frame) => frame.Region.Import(x.Region, x.Value);

    private static Tensor Made(Value value, Frame frame, Tensor? like = null, int ghosts = 0)
    {
        var type = frame.Region.Builder.Type(value);
        if (type.Rank > MostAxes)
        {
            throw new ShapeException($"has {type.Rank} axes; a tensor has at most {MostAxes}");
        }

        return like is { Lead: Lead.Rows }
            ? new(frame.Region, value, type, ghosts, Lead.Rows, like.Experts)
            : new(frame.Region, value, type, ghosts);
    }

    private static Tensor ScalarTensor(Entity number, Frame frame) => Made(Scalar(frame.Region.Builder, number), frame);

    /// <summary>A tensor or a number as a tensor; null after a diagnostic.</summary>
    private Tensor? AsTensor(Entity entity, Span span, Frame frame)
    {
        switch (entity)
        {
            case Tensor tensor:
                return tensor with { Region = frame.Region, Value = Here(tensor, frame) };
            case Size or Number:
                return ScalarTensor(entity, frame);
            case Poison:
                return null;
            case EmptyTensor:
                FailShape(frame, span, $"{frame.Quote(span)} has no elements");
                return null;
            default:
                Report(frame, DiagnosticIds.WrongKind, span, $"a tensor is wanted, but {frame.Quote(span)} is {entity.Kind}");
                return null;
        }
    }

    private Poison Mixed(Span span, Frame frame) => Fail(
        frame, DiagnosticIds.RowsMixed, span, $"{frame.Quote(span)} mixes the rows of an expert; an expert computes on each token by itself");

    private Tensor Map(UnaryFunction function, Tensor x, Frame frame)
    {
        x = x.Lead == Lead.Experts ? ToRows(x, frame) : x;
        return Made(frame.Region.Builder.Unary(function, Here(x, frame)), frame, x, x.Ghosts);
    }

    /// <summary>What every row of an expert sees of a parameter that each expert has.</summary>
    private static Tensor ToRows(Tensor x, Frame frame)
    {
        var rows = x.Experts!;
        var value = frame.Region.Builder.Add(new Gather(), Here(x, frame), frame.Region.Import(rows.Region, rows.Expert));
        return new(frame.Region, value, frame.Region.Builder.Type(value), 0, Lead.Rows, rows);
    }

    private Tensor Combine(BinaryFunction function, Tensor x, Tensor y, Frame frame)
    {
        var (values, ghosts, rows) = Align([x, y], frame);
        return Made(frame.Region.Builder.Binary(function, values[0], values[1]), frame, rows, ghosts);
    }

    /// <summary>Operands made ready for right-aligned broadcasting, the ghost axes of what they broadcast to, and an operand that holds rows of experts.</summary>
    private static (Value[] Values, int Ghosts, Tensor? Rows) Align(Tensor[] operands, Frame frame)
    {
        var rows = Array.Exists(operands, static x => x.Lead is Lead.Experts or Lead.Rows) ? AlignRows(ref operands, frame) : null;
        var (all, any) = (~0, 0);
        var values = new Value[operands.Length];
        for (var i = 0; i < operands.Length; i++)
        {
            var x = operands[i];
            all &= x.Ghosts | ~((1 << x.Rank) - 1);
            any |= x.Ghosts;
            values[i] = Here(x, frame);
        }

        return (values, all & any, rows);
    }

    /// <summary>Operands of which one holds rows of experts, or something for each expert; returns the first with rows.</summary>
    private static Tensor AlignRows(ref Tensor[] operands, Frame frame)
    {
        var all = operands.Select(x => x.Lead == Lead.Experts ? ToRows(x, frame) : x).ToArray();
        var rank = all.Max(x => x.Lead == Lead.Rows ? x.Rank : x.Rank + 1);
        operands = [.. all.Select(x => x.Lead == Lead.Rows ? PadRows(x, rank, frame) : x)];
        return all.First(x => x.Lead == Lead.Rows);
    }

    private static Tensor PadRows(Tensor x, int rank, Frame frame)
    {
        if (x.Rank == rank)
        {
            return x;
        }

        var shape = new List<Dim> { x.Shape[0] };
        shape.AddRange(Enumerable.Repeat(Dim.One, rank - x.Rank));
        shape.AddRange(x.Shape.Skip(1));
        return Made(frame.Region.Builder.Reshape(Here(x, frame), shape), frame, x, x.Ghosts);
    }

    /// <summary>The tensor without the axes that reductions left, all of them.</summary>
    private static Tensor DropGhosts(Tensor x, Frame frame) => x.Ghosts == 0
        ? x
        : Made(frame.Region.Builder.Reshape(Here(x, frame), x.Shape.Where((_, axis) => !x.IsGhost(axis))), frame, x);

    private Tensor Reduce(ReduceFunction function, Tensor x, IReadOnlyList<int> axes, Frame frame)
    {
        var ghosts = x.Ghosts;
        foreach (var axis in axes)
        {
            ghosts |= 1 << (x.Rank - 1 - axis);
        }

        return Made(frame.Region.Builder.Reduce(function, Here(x, frame), axes), frame, x, ghosts);
    }

    /// <summary>Mean over axes: the sum divided by their size, which may be known only at run time.</summary>
    private Tensor Mean(Tensor x, IReadOnlyList<int> axes, Frame frame)
    {
        var size = Dim.Product(axes.Select(a => x.Shape[a]));
        var sum = Reduce(ReduceFunction.Sum, x, axes, frame);
        return size.IsOne ? sum : Combine(BinaryFunction.Divide, sum, ScalarTensor(new Size(size), frame), frame);
    }

    /// <summary>log(sum(exp(x - m))) + m with m the maximum, which takes no part in the derivative.</summary>
    private Tensor LogSumExp(Tensor x, IReadOnlyList<int> axes, Frame frame)
    {
        var peak = Map(UnaryFunction.StopGradient, Reduce(ReduceFunction.Maximum, x, axes, frame), frame);
        var sum = Reduce(ReduceFunction.Sum, Map(UnaryFunction.Exp, Combine(BinaryFunction.Subtract, x, peak, frame), frame), axes, frame);
        return Combine(BinaryFunction.Add, Map(UnaryFunction.Log, sum, frame), peak, frame);
    }
}
