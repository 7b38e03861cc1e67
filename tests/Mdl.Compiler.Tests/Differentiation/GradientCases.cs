using Mdl.Dsl;

namespace Mdl.Compiler.Tests.Differentiation;

/// <summary>A small program whose gradients are compared with central differences.</summary>
public sealed record GradientCase(string Name, Delegate Body)
{
    internal TestProgram Build(out Value[] results)
    {
        var program = new TestProgram();
        results = ((Func<TestProgram, Value[]>)Body)(program);
        return program;
    }

    public override string ToString() => Name;
}

/// <summary>One case or more for each operation that has a derivative.</summary>
internal static class GradientCases
{
    private static readonly Dim T = Dim.Symbol("T");

    public static IReadOnlySet<Type> WithoutDerivative { get; } = new HashSet<Type>
    {
        // No inputs.
        typeof(Input), typeof(Parameter), typeof(Constant), typeof(SizeOf), typeof(Iota), typeof(Positions), typeof(Table),

        // Ints out, or steps.
        typeof(Top), typeof(Dispatch),

        // Second derivatives.
        typeof(LinearCrossEntropyGradient), typeof(LinearCrossEntropyWithGradient), typeof(AttendGradient),
    };

    public static IEnumerable<GradientCase> All => [.. Functions, .. Views, .. Indexing, .. Contractions, .. Experts, .. LossesAndAttention, Loop];

    /// <summary>Operations that stand between a parameter and the result of a case.</summary>
    public static IEnumerable<Operation> OperationsOf(GradientCase @case)
    {
        var graph = @case.Build(out var results).Builder.Build(results);
        var reached = new HashSet<int>();
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            if (node.Operation is Parameter || node.Inputs.Any(v => reached.Contains(v.Node) && graph.Type(v).Element == ElementType.F32))
            {
                if (node.Types.Any(t => t.Element == ElementType.F32) && node.Operation is not Leaf)
                {
                    yield return node.Operation;
                }

                reached.Add(i);
            }
        }
    }

    private static IEnumerable<GradientCase> Functions =>
    [
        .. from f in Enum.GetValues<UnaryFunction>()
           where f is not (UnaryFunction.Sign or UnaryFunction.Floor or UnaryFunction.Step or UnaryFunction.StopGradient or UnaryFunction.ToFloat)
           let positive = f is UnaryFunction.Log or UnaryFunction.Sqrt or UnaryFunction.Rsqrt or UnaryFunction.Reciprocal
           select Case($"{f}", p => p.Builder.Unary(f, p.Parameter("x", [T, 2], positive ? 0.5 : -2, 2))),
        .. from f in Enum.GetValues<BinaryFunction>()
           where f is not (BinaryFunction.Less or BinaryFunction.Equal)
           let positive = f is BinaryFunction.Divide or BinaryFunction.Power
           select Case($"{f}", p => p.Builder.Binary(f, p.Parameter("x", [T, 2], positive ? 0.5 : -2, 2), p.Parameter("y", [T, 2], positive ? 0.5 : -2, 2))),
        Case("Power with a constant exponent of a negative base", p => p.Builder.Binary(BinaryFunction.Power, p.Parameter("x", [3], -2, -1), 3)),
        Case("Power with a negative exponent", p => p.Builder.Binary(BinaryFunction.Power, p.Parameter("x", [3], 1, 2), -1.5)),
        Case("Binary of one value", p => p.Builder.Binary(BinaryFunction.Multiply, p.Parameter("x", [3]), p.Parameter("x", [3]))),
        Case("Select", p => p.Builder.Select(
            p.Builder.Binary(BinaryFunction.Less, p.Parameter("x", [8]), p.Parameter("y", [8])), p.Parameter("y", [8]), p.Parameter("z", []))),
        Case("StopGradient blocks", p => p.Builder.Binary(
            BinaryFunction.Add, p.Parameter("y", [2]), p.Builder.Unary(UnaryFunction.Step, p.Builder.Unary(UnaryFunction.StopGradient, p.Parameter("x", [2]))))),
        Case("Sum of rows", p => p.Builder.Reduce(ReduceFunction.Sum, p.Parameter("x", [T, 4]), 1)),
        Case("Sum of two axes", p => p.Builder.Reduce(ReduceFunction.Sum, p.Parameter("x", [2, T, 4]), 0, 2)),
        Case("Maximum of rows", p => p.Builder.Reduce(ReduceFunction.Maximum, p.Parameter("x", [T, 4]), 1)),
        Case("Softmax", p =>
        {
            var (b, x) = (p.Builder, p.Parameter("x", [T, 5], -3, 3));
            var e = b.Unary(UnaryFunction.Exp, b.Binary(BinaryFunction.Subtract, x, b.Reduce(ReduceFunction.Maximum, x, 1)));
            return b.Binary(BinaryFunction.Divide, e, b.Reduce(ReduceFunction.Sum, e, 1));
        }),
        Case("RMS norm", p =>
        {
            var (b, x) = (p.Builder, p.Parameter("x", [2, T, 4]));
            var mean = b.Binary(BinaryFunction.Divide, b.Reduce(ReduceFunction.Sum, b.Unary(UnaryFunction.Square, x), 2), 4);
            var normed = b.Binary(BinaryFunction.Multiply, x, b.Unary(UnaryFunction.Rsqrt, b.Binary(BinaryFunction.Add, mean, 1e-6)));
            return b.Binary(BinaryFunction.Multiply, normed, p.Parameter("weight", [4]));
        }),
        Case("Mean over a symbolic size", p => p.Builder.Binary(
            BinaryFunction.Divide, p.Builder.Reduce(ReduceFunction.Sum, p.Parameter("x", [T, 2]), 0), p.Builder.Add(new SizeOf(T)))),
    ];

    private static IEnumerable<GradientCase> Views =>
    [
        Case("Broadcast of missing axes", p => p.Builder.Broadcast(p.Parameter("x", [3]), [T, 2, 3])),
        Case("Broadcast of axes of one", p => p.Builder.Broadcast(p.Parameter("x", [2, 1, 1]), [T, 2, 1, 4])),
        Case("Broadcast of a scalar", p => p.Builder.Broadcast(p.Parameter("x", []), [T, 2])),
        Case("Reshape", p => p.Builder.Unary(UnaryFunction.Square, p.Builder.Reshape(p.Parameter("x", [T, 4]), T * 2, 2))),
        Case("Transpose", p => p.Builder.Unary(UnaryFunction.Square, p.Builder.Transpose(p.Parameter("x", [2, T, 4]), 2, 0, 1))),
        Case("Slices that tile", p =>
        {
            var (b, x) = (p.Builder, p.Parameter("x", [T, 6]));
            return b.Binary(BinaryFunction.Multiply, b.Binary(BinaryFunction.Multiply, b.Slice(x, 1, 4, 2), b.Slice(x, 1, 0, 2)), b.Slice(x, 1, 2, 2));
        }),
        Case("Slices with a gap, an overlap and a whole use", p =>
        {
            var (b, x) = (p.Builder, p.Parameter("x", [6]));
            var product = b.Binary(BinaryFunction.Multiply, b.Slice(x, 0, 1, 2), b.Slice(x, 0, 3, 2));
            return b.Binary(BinaryFunction.Add, b.Reduce(ReduceFunction.Sum, b.Unary(UnaryFunction.Square, x), 0), b.Binary(BinaryFunction.Multiply, product, b.Slice(x, 0, 2, 2)));
        }),
        Case("Slices of two axes", p => p.Builder.Binary(
            BinaryFunction.Multiply, p.Builder.Slice(p.Parameter("x", [2, 2]), 0, 1, 1), p.Builder.Transpose(p.Builder.Slice(p.Parameter("x", [2, 2]), 1, 0, 1), 1, 0))),
        Case("Concat", p => p.Builder.Unary(UnaryFunction.Square, p.Builder.Add(new Concat(1), p.Parameter("x", [T, 1]), p.Parameter("y", [T, 3]), p.Parameter("x", [T, 1])))),
        Case("Pad", p => p.Builder.Unary(UnaryFunction.Square, p.Builder.Add(new Pad(1, 1, 2), p.Parameter("x", [T, 2])))),
    ];

    private static IEnumerable<GradientCase> Indexing =>
    [
        Case("Gather", p => p.Builder.Unary(UnaryFunction.Square, p.Builder.Add(new Gather(), p.Parameter("table", [4, 2]), p.Ints("i", [2, T], 3, 0, 3, 1, 1, 3)))),
        Case("GatherGradient", p => p.Builder.Unary(UnaryFunction.Square, p.Builder.Add(new GatherGradient(4), p.Ints("i", [T], 3, 0, 3), p.Parameter("x", [T, 2])))),
        Case("TakeAlong", p => p.Builder.Unary(UnaryFunction.Square, p.Builder.Add(new TakeAlong(), p.Parameter("x", [T, 4]), p.Ints("i", [T, 2], 3, 0, 1, 1, 2, 3)))),
        Case("PutAlong", p => p.Builder.Unary(UnaryFunction.Square, p.Builder.Add(new PutAlong(4), p.Ints("i", [T, 2], 3, 0, 1, 1, 2, 3), p.Parameter("x", [T, 2])))),
        Case("Gather of a choice", p =>
        {
            // The gradient goes through what is taken, not through the choice.
            var (b, x) = (p.Builder, p.Parameter("x", [T, 6]));
            return b.Unary(UnaryFunction.Square, b.Add(new TakeAlong(), x, b.Add(new Top(3, Groups: 3, Keep: 2, GroupTop: 1), x)));
        }),
    ];

    private static IEnumerable<GradientCase> Contractions =>
    [
        .. from left in new[] { false, true }
           from right in new[] { false, true }
           select Case($"Contract {left} {right}", p => p.Builder.Add(
               new Contract(left, right), p.Parameter("x", left ? [2, 4, T] : [2, T, 4]), p.Parameter("y", right ? [2, 5, 4] : [2, 4, 5]))),
        Case("Contract of one value with itself", p => p.Builder.Add(new Contract(true, false), p.Parameter("x", [T, 2]), p.Parameter("x", [T, 2]))),
        Case("Contract with shared rows", p => p.Builder.Add(
            new Contract(false, true), p.Parameter("x", [2, T, 4]), p.Builder.Broadcast(p.Parameter("y", [5, 4]), [2, 5, 4]))),
        .. from right in new[] { false, true }
           select Case($"GroupedContract {right}", p => p.Builder.Add(
               new GroupedContract(right), p.Parameter("x", [5, 2]), p.Parameter("y", right ? [3, 4, 2] : [3, 2, 4]), p.Ints("o", [4], 0, 2, 2, 4))),
        Case("GroupedOuter", p => p.Builder.Add(new GroupedOuter(), p.Parameter("x", [5, 2]), p.Parameter("y", [5, 4]), p.Ints("o", [4], 0, 2, 2, 4))),
    ];

    private static IEnumerable<GradientCase> Experts =>
    [
        .. from capacity in new[] { 0, 0.75 }
           select new GradientCase($"Experts with capacity {capacity}", (Func<TestProgram, Value[]>)(p => Moe(p, capacity))),
    ];

    private static IEnumerable<GradientCase> LossesAndAttention =>
    [
        new("LinearCrossEntropy", (Func<TestProgram, Value[]>)(p =>
            [p.Builder.Add(new LinearCrossEntropy(), p.Parameter("h", [T, 4]), p.Parameter("w", [5, 4]), p.Ints("t", [T], 4, 0, 4))])),
        new("LinearCrossEntropy with its log-sum-exp", (Func<TestProgram, Value[]>)(p =>
            [.. p.Builder.AddAll(new LinearCrossEntropy(), p.Parameter("h", [T, 4]), p.Parameter("w", [5, 4]), p.Ints("t", [T], 4, 0, 4))])),
        new("Log-sum-exp of LinearCrossEntropy", (Func<TestProgram, Value[]>)(p =>
            [p.Builder.AddAll(new LinearCrossEntropy(), p.Parameter("h", [T, 4]), p.Parameter("w", [5, 4]), p.Ints("t", [T], 4, 0, 4))[1]])),
        .. from mask in Enum.GetValues<AttentionMask>()
           from window in mask == AttentionMask.Causal ? new[] { 0, 2 } : [0]
           from sink in new[] { false, true }
           select Case($"Attend {mask} window {window} sink {sink}", p =>
           {
               Value[] inputs = [p.Parameter("q", [2, T, 4, 3]), p.Parameter("k", [2, T, 2, 3]), p.Parameter("v", [2, T, 2, 2])];
               return p.Builder.Add(new Attend(mask, window, 0.7), sink ? [.. inputs, p.Parameter("sink", [4])] : inputs);
           }),
        Case("Attend with more keys than queries", p => p.Builder.Add(
            new Attend(AttentionMask.None, 0, 0.7), p.Parameter("q", [1, 2, 2, 3]), p.Parameter("k", [1, 4, 2, 3]), p.Parameter("v", [1, 4, 2, 3]))),
    ];

    private static GradientCase Loop => new("Repeat", (Func<TestProgram, Value[]>)(p =>
    {
        var b = new GraphBuilder();
        var x = b.Add(new Input("#0", TensorType.F32(2)));
        var next = b.Unary(UnaryFunction.Sin, b.Binary(BinaryFunction.Multiply, x, b.Add(new Input("#1", TensorType.F32(2)))));
        return [.. p.Builder.AddAll(new Repeat(3, 1, 0, b.Build(next, x)), p.Parameter("x", [2]), p.Parameter("w", [3, 2]))];
    }));

    /// <summary>A routed layer with an expert bias, so that rows after the last kept one are not zero: 4 tokens, 2 of 3 experts each.</summary>
    private static Value[] Moe(TestProgram p, double capacity)
    {
        var (b, x) = (p.Builder, p.Parameter("x", [4, 3]));
        var scores = b.Unary(UnaryFunction.Sigmoid, b.Add(new Contract(false, true), x, p.Parameter("router", [3, 3])));
        var choose = b.Add(new Top(2), b.Binary(BinaryFunction.Add, scores, p.Parameter("bias", [3])));
        var gate = b.Add(new TakeAlong(), scores, choose);
        gate = b.Binary(BinaryFunction.Divide, gate, b.Reduce(ReduceFunction.Sum, gate, 1));
        var order = b.AddAll(new Dispatch(3, capacity), choose);
        var rows = b.Add(new GatherRows(2), x, order[0]);
        var hidden = b.Unary(UnaryFunction.Tanh, b.Add(new GroupedContract(true), rows, p.Parameter("up", [3, 2, 3]), order[2]));
        var result = b.Binary(
            BinaryFunction.Add, b.Add(new GroupedContract(true), hidden, p.Parameter("down", [3, 3, 2]), order[2]), b.Add(new Gather(), p.Parameter("shift", [3, 3]), order[3]));
        var gates = b.Add(new GatherRows(1), b.Reshape(gate, 8, 1), order[0]);
        return [b.Add(new CombineRows(2), b.Binary(BinaryFunction.Multiply, result, gates), order[1])];
    }

    private static GradientCase Case(string name, Func<TestProgram, Value> body) => new(name, (Func<TestProgram, Value[]>)(p => [body(p)]));
}
