using Mdl.Compiler.Evaluation;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Simplification;

/// <summary>Local rules: a simpler value for one operation on given inputs, or null. Views have theirs in <see cref="ViewRules"/>.</summary>
internal readonly struct Rules(GraphBuilder builder, EquatableArray<Value> x)
{
    public Value? Rewrite(Node node) => node.Operation switch
    {
        Unary o => SimplifyUnary(o),
        Binary o => SimplifyBinary(o, node.Types[0]),
        Select _ => SimplifySelect(),
        Reduce o => SimplifyReduce(o),
        _ => ViewRules.Rewrite(builder, node, x),
    };

    /// <summary>Operations that are linear in an input yield zeros where it is zero.</summary>
    public IReadOnlyList<Value>? Zeros(Node node)
    {
        var isZero = node.Operation switch
        {
            Contract or GroupedContract or GroupedOuter => IsConstant(x[0], 0) || IsConstant(x[1], 0),
            Gather or TakeAlong or GatherRows or CombineRows => IsConstant(x[0], 0),
            GatherGradient or PutAlong => IsConstant(x[1], 0),
            LinearCrossEntropyGradient => IsConstant(x[4], 0),
            AttendGradient => IsConstant(x[5], 0),
            _ => false,
        };
        if (!isZero)
        {
            return null;
        }

        var zeros = new Value[node.Types.Count];
        for (var i = 0; i < zeros.Length; i++)
        {
            zeros[i] = Constant(0, node.Types[i].Shape);
        }

        return zeros;
    }

    private Value? SimplifyUnary(Unary o)
    {
        var shape = builder.Type(x[0]).Shape;
        if (builder.ConstantOf(x[0]) is { } c && IsFinite(Meaning.Apply(o.Function, c)) && o.Function != UnaryFunction.StopGradient)
        {
            return Constant(Meaning.Apply(o.Function, c), shape);
        }

        var inner = builder[x[0].Node];
        return inner.Operation switch
        {
            Unary { Function: UnaryFunction.Negate } when o.Function == UnaryFunction.Negate => inner.Inputs[0],
            Unary { Function: UnaryFunction.Negate or UnaryFunction.Abs } when o.Function == UnaryFunction.Square => builder.Add(o, inner.Inputs[0]),

            // Functions of fewer elements, then stretched.
            Broadcast b => builder.Broadcast(builder.Add(o, inner.Inputs[0]), b.Shape),
            _ => null,
        };
    }

    private Value? SimplifyBinary(Binary o, TensorType type)
    {
        var (a, b) = (builder.ConstantOf(x[0]), builder.ConstantOf(x[1]));
        if (a is { } left && b is { } right && IsFinite(Meaning.Apply(o.Function, left, right)))
        {
            return Constant(Meaning.Apply(o.Function, left, right), type.Shape);
        }

        return (o.Function, a, b) switch
        {
            (BinaryFunction.Add, 0, _) => x[1],
            (BinaryFunction.Add or BinaryFunction.Subtract, _, 0) => x[0],
            (BinaryFunction.Subtract, 0, _) => builder.Unary(UnaryFunction.Negate, x[1]),
            (BinaryFunction.Multiply or BinaryFunction.Divide, 0, _) or (BinaryFunction.Multiply, _, 0) => Constant(0, type.Shape),
            (BinaryFunction.Multiply, 1, _) => x[1],
            (BinaryFunction.Multiply or BinaryFunction.Divide or BinaryFunction.Power, _, 1) => x[0],
            (BinaryFunction.Multiply, -1, _) => builder.Unary(UnaryFunction.Negate, x[1]),
            (BinaryFunction.Multiply or BinaryFunction.Divide, _, -1) => builder.Unary(UnaryFunction.Negate, x[0]),
            (BinaryFunction.Divide, 1, _) => builder.Unary(UnaryFunction.Reciprocal, x[1]),
            (BinaryFunction.Power, _, 0) => Constant(1, type.Shape),
            (BinaryFunction.Power, _, 2) => builder.Unary(UnaryFunction.Square, x[0]),
            (BinaryFunction.Power, _, 0.5) => builder.Unary(UnaryFunction.Sqrt, x[0]),
            (BinaryFunction.Power, _, -0.5) => builder.Unary(UnaryFunction.Rsqrt, x[0]),
            (BinaryFunction.Power, _, -1) => builder.Unary(UnaryFunction.Reciprocal, x[0]),
            (BinaryFunction.Add or BinaryFunction.Multiply, not null, _) => builder.Add(o, x[1], x[0]),
            _ => Signs(o) ?? Factors(o, b) ?? BeforeBroadcast(o, type),
        };
    }

    private Value? Signs(Binary o)
    {
        var (a, b) = (builder[x[0].Node], builder[x[1].Node]);
        var (minusA, minusB) = (IsNegation(a), IsNegation(b));
        return o.Function switch
        {
            BinaryFunction.Add when minusB => builder.Binary(BinaryFunction.Subtract, x[0], b.Inputs[0]),
            BinaryFunction.Add when minusA => builder.Binary(BinaryFunction.Subtract, x[1], a.Inputs[0]),
            BinaryFunction.Subtract when minusB => builder.Binary(BinaryFunction.Add, x[0], b.Inputs[0]),
            BinaryFunction.Multiply or BinaryFunction.Divide when minusA && minusB => builder.Add(o, a.Inputs[0], b.Inputs[0]),
            BinaryFunction.Multiply when x[0] == x[1] && builder.Type(x[0]).Element == ElementType.F32 => builder.Unary(UnaryFunction.Square, x[0]),
            _ => null,
        };
    }

    /// <summary>(x * c) * d is x * (c * d).</summary>
    private Value? Factors(Binary o, double? right)
    {
        var inner = builder[x[0].Node];
        return o.Function == BinaryFunction.Multiply && right is { } d && inner.Operation is Binary { Function: BinaryFunction.Multiply }
            && builder.ConstantOf(inner.Inputs[1]) is { } c
            ? builder.Binary(BinaryFunction.Multiply, inner.Inputs[0], c * d)
            : null;
    }

    private Value? BeforeBroadcast(Binary o, TensorType type)
    {
        var (a, b) = (builder[x[0].Node], builder[x[1].Node]);
        if (a.Operation is Broadcast && b.Operation is Broadcast)
        {
            var (small, other) = (a.Inputs[0], b.Inputs[0]);
            if (builder.ConstantOf(small) is { } c)
            {
                small = Constant(c, builder.Type(other).Shape);
            }
            else if (builder.ConstantOf(other) is { } d)
            {
                other = Constant(d, builder.Type(small).Shape);
            }

            if (builder.Type(small) == builder.Type(other) && builder.Type(small).Shape != type.Shape)
            {
                return builder.Broadcast(builder.Add(o, small, other), type.Shape);
            }
        }

        return null;
    }

    private Value? SimplifySelect() => builder.ConstantOf(x[0]) is { } c ? (c != 0 ? x[1] : x[2]) : x[1] == x[2] ? x[1] : null;

    private Value? SimplifyReduce(Reduce o)
    {
        var shape = builder.Type(x[0]).Shape;
        var reduced = o.Reduced(shape);
        var count = Dim.Product(o.Axes.Select(a => shape[a]));
        if (count.IsOne)
        {
            return x[0];
        }

        if (builder.ConstantOf(x[0]) is { } c)
        {
            return o.Function == ReduceFunction.Maximum || c == 0 ? Constant(c, reduced)
                : count.IsConstant ? Constant(c * count.Constant, reduced)
                : builder.Broadcast(builder.Binary(BinaryFunction.Multiply, builder.Add(new SizeOf(count)), c), reduced);
        }

        var inner = builder[x[0].Node];
        return inner.Operation switch
        {
            Reduce i when i.Function == o.Function =>
                builder.Reduce(o.Function, inner.Inputs[0], o.Axes.Concat(i.Axes).Distinct()),
            Binary { Function: BinaryFunction.Multiply } when o.Function == ReduceFunction.Sum && builder.ConstantOf(inner.Inputs[1]) is { } factor =>
                builder.Binary(BinaryFunction.Multiply, builder.Add(o, inner.Inputs[0]), factor),
            Unary { Function: UnaryFunction.Negate } when o.Function == ReduceFunction.Sum =>
                builder.Unary(UnaryFunction.Negate, builder.Add(o, inner.Inputs[0])),
            _ => null,
        };
    }

    private static bool IsNegation(Node node) => node.Operation is Unary { Function: UnaryFunction.Negate };

    private bool IsConstant(Value value, double c) => builder.ConstantOf(value) == c;

    private Value Constant(double value, EquatableArray<Dim> shape) => builder.Broadcast(builder.Constant(value), shape);

    private static bool IsFinite(double value) => !double.IsNaN(value) && !double.IsInfinity(value);
}
