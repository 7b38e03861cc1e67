using Mdl.Compiler.Evaluation;
using Mdl.Dsl;

namespace Mdl.Compiler.Tests.Evaluation;

/// <summary>An operation on given inputs with the outputs worked out by hand.</summary>
public sealed record OperationCase(Operation Operation, (ElementType Element, NDArray Data)[] Inputs, NDArray[] Expected)
{
    public override string ToString() => $"{Operation} of {string.Join(", ", Inputs.Select(i => i.Data))}";
}

internal static class OperationCases
{
    private static readonly double E = Math.E;

    public static IEnumerable<OperationCase> All =>
    [
        .. Elementwise, .. Views, .. Indexing, .. Contractions, .. Experts, .. LossesAndAttention, .. Loops,
    ];

    private static IEnumerable<OperationCase> Elementwise =>
    [
        Of(UnaryFunction.Negate, 2, -2), Of(UnaryFunction.Reciprocal, 4, 0.25), Of(UnaryFunction.Square, -3, 9), Of(UnaryFunction.Exp, 1, E),
        Of(UnaryFunction.Log, E, 1), Of(UnaryFunction.Sqrt, 9, 3), Of(UnaryFunction.Rsqrt, 16, 0.25), Of(UnaryFunction.Sin, Math.PI / 6, 0.5),
        Of(UnaryFunction.Cos, Math.PI / 3, 0.5), Of(UnaryFunction.Tanh, 0.5, (E - 1) / (E + 1)), Of(UnaryFunction.Sigmoid, 1, E / (E + 1)),
        Of(UnaryFunction.Erf, 1, 0.842700792949714869), Of(UnaryFunction.Erf, -0.5, -0.520499877813046538), Of(UnaryFunction.Erf, 3, 0.999977909503001415),
        Of(UnaryFunction.Abs, -2, 2), Of(UnaryFunction.Sign, -2, -1), Of(UnaryFunction.Sign, 0, 0), Of(UnaryFunction.Relu, -1, 0), Of(UnaryFunction.Relu, 2, 2),
        Of(UnaryFunction.Floor, -1.5, -2), Of(UnaryFunction.Step, 0, 0), Of(UnaryFunction.Step, 0.1, 1), Of(UnaryFunction.StopGradient, 5, 5),
        new(new Unary(UnaryFunction.ToFloat), [I([2], 3, -4)], [A([2], 3, -4)]),
        Of(BinaryFunction.Add, 2, 3, 5), Of(BinaryFunction.Subtract, 2, 3, -1), Of(BinaryFunction.Multiply, 2, 3, 6), Of(BinaryFunction.Divide, 3, 2, 1.5),
        Of(BinaryFunction.Power, 2, 3, 8), Of(BinaryFunction.Maximum, 2, 3, 3), Of(BinaryFunction.Minimum, 2, 3, 2), Of(BinaryFunction.Less, 2, 3, 1),
        Of(BinaryFunction.Less, 3, 3, 0), Of(BinaryFunction.Equal, 3, 3, 1), Of(BinaryFunction.Equal, 2, 3, 0),
        new(new Binary(BinaryFunction.Add), [I([2], 1, 2), I([2], 3, 4)], [A([2], 4, 6)]),
        new(new Select(), [F([3], 1, 0, -2), F([3], 1, 2, 3), F([3], 4, 5, 6)], [A([3], 1, 5, 3)]),
        new(new Reduce(ReduceFunction.Sum, [1]), [F([2, 3], 1, 2, 3, 4, 5, 6)], [A([2, 1], 6, 15)]),
        new(new Reduce(ReduceFunction.Sum, [0, 2]), [F([2, 2, 2], 1, 2, 3, 4, 5, 6, 7, 8)], [A([1, 2, 1], 14, 22)]),
        new(new Reduce(ReduceFunction.Maximum, [0]), [F([2, 3], 1, 5, -3, 4, 2, -6)], [A([1, 3], 4, 5, -3)]),
        new(new Constant(2.5), [], [A([], 2.5)]),
        new(new SizeOf((Dim)2 * Dim.Symbol("T")), [], [A([], 6)]),
        new(new Iota(Dim.Symbol("T")), [], [A([3], 0, 1, 2)]),
        new(new Table([1, 0.5], [2, 1]), [], [A([2, 1], 1, 0.5)]),
        new(new Positions(Dim.Symbol("T")), [], [A([3], 0, 1, 2)]),
        new(new Input("0", TensorType.F32(2)), [F([2], 7, 8)], [A([2], 7, 8)]),
        new(new Parameter("p", TensorType.F32(2)), [F([2], 7, 8)], [A([2], 7, 8)]),
    ];

    private static IEnumerable<OperationCase> Views =>
    [
        new(new Broadcast([2, 2, 3]), [F([2, 1], 1, 2)], [A([2, 2, 3], 1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2)]),
        new(new Reshape([3, 2]), [F([2, 3], 1, 2, 3, 4, 5, 6)], [A([3, 2], 1, 2, 3, 4, 5, 6)]),
        new(new Transpose([1, 0]), [F([2, 3], 1, 2, 3, 4, 5, 6)], [A([3, 2], 1, 4, 2, 5, 3, 6)]),
        new(new Transpose([2, 0, 1]), [F([1, 2, 3], 1, 2, 3, 4, 5, 6)], [A([3, 1, 2], 1, 4, 2, 5, 3, 6)]),
        new(new Slice(1, 1, 2), [F([2, 3], 1, 2, 3, 4, 5, 6)], [A([2, 2], 2, 3, 5, 6)]),
        new(new Concat(1), [F([2, 1], 1, 2), F([2, 2], 3, 4, 5, 6)], [A([2, 3], 1, 3, 4, 2, 5, 6)]),
        new(new Concat(0), [I([1], 1), I([2], 2, 3)], [A([3], 1, 2, 3)]),
        new(new Pad(1, 1, 2), [F([2, 1], 5, 6)], [A([2, 4], 0, 5, 0, 0, 0, 6, 0, 0)]),
    ];

    private static IEnumerable<OperationCase> Indexing =>
    [
        new(new Gather(), [F([3, 2], 1, 2, 3, 4, 5, 6), I([2, 2], 2, 0, 1, 2)], [A([2, 2, 2], 5, 6, 1, 2, 3, 4, 5, 6)]),
        new(new GatherGradient(3), [I([3], 2, 0, 2), F([3, 2], 1, 2, 3, 4, 5, 6)], [A([3, 2], 3, 4, 0, 0, 6, 8)]),
        new(new TakeAlong(), [F([2, 3], 1, 2, 3, 4, 5, 6), I([2, 2], 2, 0, 1, 1)], [A([2, 2], 3, 1, 5, 5)]),
        new(new PutAlong(3), [I([2, 2], 2, 0, 1, 1), F([2, 2], 1, 2, 3, 4)], [A([2, 3], 2, 0, 1, 0, 7, 0)]),
        new(new Top(2), [F([2, 4], 1, 3, 3, 2, -1, -4, -2, -3)], [A([2, 2], 1, 2, 0, 2)]),

        // Groups [9 0] [5 5] [4 4]: by their best 9, 5, 4; by the sum of two 9, 10, 8.
        new(new Top(2, Groups: 3, Keep: 1, GroupTop: 1), [F([1, 6], 9, 0, 5, 5, 4, 4)], [A([1, 2], 0, 1)]),
        new(new Top(2, Groups: 3, Keep: 1, GroupTop: 2), [F([1, 6], 9, 0, 5, 5, 4, 4)], [A([1, 2], 2, 3)]),
        new(new Top(3, Groups: 3, Keep: 2, GroupTop: 2), [F([1, 6], 9, 0, 5, 5, 4, 4)], [A([1, 3], 0, 2, 3)]),

        // An element of a group that is not kept never counts, not even against negative ones.
        new(new Top(2, Groups: 2, Keep: 1, GroupTop: 1), [F([1, 4], -1, -9, -2, -3)], [A([1, 2], 0, 1)]),
    ];

    private static IEnumerable<OperationCase> Contractions =>
    [
        new(new Contract(false, false), [F([2, 3], 1, 2, 3, 4, 5, 6), F([3, 1], 1, 10, 100)], [A([2, 1], 321, 654)]),
        new(new Contract(true, false), [F([3, 2], 1, 4, 2, 5, 3, 6), F([3, 1], 1, 10, 100)], [A([2, 1], 321, 654)]),
        new(new Contract(false, true), [F([2, 3], 1, 2, 3, 4, 5, 6), F([1, 3], 1, 10, 100)], [A([2, 1], 321, 654)]),
        new(new Contract(true, true), [F([3, 2], 1, 4, 2, 5, 3, 6), F([1, 3], 1, 10, 100)], [A([2, 1], 321, 654)]),
        new(new Contract(false, false), [F([2, 1, 2], 1, 2, 3, 4), F([2, 2, 1], 5, 6, 7, 8)], [A([2, 1, 1], 17, 53)]),
        new(
            new GroupedContract(false),
            [F([4, 2], 1, 2, 3, 4, 5, 6, 7, 8), F([2, 2, 1], 1, 10, 100, 1000), I([3], 0, 1, 3)],
            [A([4, 1], 21, 4300, 6500, 0)]),
        new(
            new GroupedContract(true),
            [F([3, 1], 1, 2, 3), F([2, 2, 1], 1, 10, 100, 1000), I([3], 0, 0, 2)],
            [A([3, 2], 100, 1000, 200, 2000, 0, 0)]),
        new(
            new GroupedOuter(),
            [F([3, 2], 1, 2, 3, 4, 5, 6), F([3, 1], 1, 10, 100), I([3], 0, 2, 2)],
            [A([2, 2, 1], 31, 42, 0, 0)]),
    ];

    private static IEnumerable<OperationCase> Experts =>
    [
        new(
            new Dispatch(3, 0),
            [I([3, 2], 2, 0, 0, 2, 2, 1)],
            [A([6], 1, 2, 5, 0, 3, 4), A([6], 3, 0, 1, 4, 5, 2), A([4], 0, 2, 3, 6), A([6], 0, 0, 1, 2, 2, 2), A([3], 2, 1, 3)]),

        // ceil(0.75 * 6 / 3) = 2 choices an expert: the third of expert 2 is dropped.
        new(
            new Dispatch(3, 0.75),
            [I([3, 2], 2, 0, 0, 2, 2, 1)],
            [A([6], 1, 2, 5, 0, 3, 0), A([6], 3, 0, 1, 4, -1, 2), A([4], 0, 2, 3, 5), A([6], 0, 0, 1, 2, 2, 2), A([3], 2, 1, 3)]),
        new(new GatherRows(2), [F([2, 2], 1, 2, 3, 4), I([4], 3, 0, 1, 2)], [A([4, 2], 3, 4, 1, 2, 1, 2, 3, 4)]),
        new(new CombineRows(2), [F([4, 1], 1, 10, 100, 1000), I([4], 1, 2, -1, 0)], [A([2, 1], 110, 1)]),
    ];

    private static IEnumerable<OperationCase> LossesAndAttention
    {
        get
        {
            // Logits 0 and log 3: probabilities 1/4 and 3/4.
            var (h, w) = (F([2, 1], Math.Log(3), Math.Log(3)), F([2, 1], 0, 1));
            yield return new(new LinearCrossEntropy(), [h, w, I([2], 1, 0)], [A([2], Math.Log(4.0 / 3), Math.Log(4)), A([2], Math.Log(4), Math.Log(4))]);
            yield return new(
                new LinearCrossEntropyGradient(),
                [h, w, I([2], 1, 0), F([2], Math.Log(4), Math.Log(4)), F([2], 1, 2)],
                [A([2, 1], -0.25, 1.5), A([2, 1], Math.Log(3) * (0.25 - 1.5), Math.Log(3) * (-0.25 + 1.5))]);

            yield return new(
                new LinearCrossEntropyWithGradient(),
                [h, w, I([2], 1, 0), F([2], 1, 2)],
                [
                    A([2], Math.Log(4.0 / 3), Math.Log(4)), A([2], Math.Log(4), Math.Log(4)),
                    A([2, 1], -0.25, 1.5), A([2, 1], Math.Log(3) * (0.25 - 1.5), Math.Log(3) * (-0.25 + 1.5)),
                ]);

            // Scores are 0 for the key 0 and log 3 for the key log 3.
            var (q, k, v) = (F([1, 2, 1, 1], 1, 1), F([1, 2, 1, 1], 0, Math.Log(3)), F([1, 2, 1, 1], 4, 8));
            yield return new(new Attend(AttentionMask.None, 0, 1), [q, k, v], [A([1, 2, 1, 1], 7, 7), A([1, 2, 1], Math.Log(4), Math.Log(4))]);
            yield return new(new Attend(AttentionMask.Causal, 0, 1), [q, k, v], [A([1, 2, 1, 1], 4, 7), A([1, 2, 1], 0, Math.Log(4))]);
            yield return new(new Attend(AttentionMask.Causal, 1, 1), [q, k, v], [A([1, 2, 1, 1], 4, 8), A([1, 2, 1], 0, Math.Log(3))]);
            yield return new(
                new Attend(AttentionMask.None, 0, 1), [q, k, v, F([1], Math.Log(4))], [A([1, 2, 1, 1], 3.5, 3.5), A([1, 2, 1], Math.Log(8), Math.Log(8))]);

            // Two query heads share a key/value head; the scale halves the scores 0 and log 9.
            yield return new(
                new Attend(AttentionMask.None, 0, 0.5),
                [F([1, 1, 2, 1], 1, 0), F([1, 2, 1, 1], 0, Math.Log(9)), F([1, 2, 1, 1], 4, 8)],
                [A([1, 1, 2, 1], 7, 6), A([1, 1, 2], Math.Log(4), Math.Log(2))]);

            // p = (1/4, 3/4), output 7, gradient 1: dv = p, ds = p (v - 7) = (-3/4, 3/4), dq = log 3 * 3/4, dk = ds.
            yield return new(
                new AttendGradient(AttentionMask.None, 0, 1),
                [F([1, 1, 1, 1], 1), F([1, 2, 1, 1], 0, Math.Log(3)), F([1, 2, 1, 1], 4, 8), F([1, 1, 1, 1], 7), F([1, 1, 1], Math.Log(4)), F([1, 1, 1, 1], 1)],
                [A([1, 1, 1, 1], 0.75 * Math.Log(3)), A([1, 2, 1, 1], -0.75, 0.75), A([1, 2, 1, 1], 0.25, 0.75)]);
        }
    }

    private static IEnumerable<OperationCase> Loops
    {
        get
        {
            // x' = 10 x + slice + invariant, yields x: 1 -> 10 + 2 + 0.5 -> 125 + 3 + 0.5.
            var b = new GraphBuilder();
            Value[] inputs = [.. Enumerable.Range(0, 3).Select(i => b.Add(new Input("#" + i, TensorType.F32())))];
            var next = b.Binary(BinaryFunction.Multiply, inputs[0], 10);
            var body = b.Build(b.Binary(BinaryFunction.Add, b.Binary(BinaryFunction.Add, next, inputs[2]), inputs[1]), inputs[0]);
            (ElementType, NDArray)[] data = [F([], 1), F([], 0.5), F([2], 2, 3)];
            yield return new(new Repeat(2, 1, 1, body), data, [A([], 128.5), A([2], 1, 12.5)]);
            yield return new(new Repeat(2, 1, 1, body, Reverse: true), data, [A([], 137.5), A([2], 13.5, 1)]);
        }
    }

    private static OperationCase Of(UnaryFunction function, double x, double y) => new(new Unary(function), [F([1], x)], [A([1], y)]);

    private static OperationCase Of(BinaryFunction function, double x, double y, double z) => new(new Binary(function), [F([1], x), F([1], y)], [A([1], z)]);

    private static (ElementType Element, NDArray Data) F(EquatableArray<int> shape, params double[] data) => (ElementType.F32, A(shape, data));

    private static (ElementType Element, NDArray Data) I(EquatableArray<int> shape, params double[] data) => (ElementType.I32, A(shape, data));

    private static NDArray A(EquatableArray<int> shape, params double[] data) => new(shape, data);
}
