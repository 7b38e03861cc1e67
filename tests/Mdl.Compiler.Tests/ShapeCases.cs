using Mdl.Dsl;

namespace Mdl.Compiler.Tests;

/// <summary>An operation, inputs that do not fit it, and a part of what its shape rule says about them.</summary>
public sealed record ShapeCase(Operation Operation, TensorType[] Inputs, string Message)
{
    public override string ToString() => $"{Operation} of {string.Join(", ", (object[])Inputs)}";
}

public class ShapeCases
{
    public static TheoryData<ShapeCase> Cases => [.. All];

    internal static IEnumerable<ShapeCase> All
    {
        get
        {
            var b = new GraphBuilder();
            var x = b.Add(new Input("#0", F(2)));
            var body = b.Build(b.Broadcast(x, [3, 2]));
            return
            [
                new(new Unary(UnaryFunction.Exp), [I(2)], "Exp wants"),
                new(new Unary(UnaryFunction.ToFloat), [F(2)], "ToFloat wants"),
                new(new Binary(BinaryFunction.Add), [F(2), F(3)], "[2] and [3]"),
                new(new Binary(BinaryFunction.Divide), [I(2), I(2)], "not defined for ints"),
                new(new Select(), [F(2), F(2), F(3)], "one shape"),
                new(new Reduce(ReduceFunction.Sum, [1]), [F(2)], "no such axes"),
                new(new Broadcast([3]), [F(2)], "does not broadcast"),
                new(new Reshape([3]), [F(2)], "2 elements"),
                new(new Transpose([0, 0]), [F(2, 2)], "does not permute"),
                new(new Slice(0, 1, 2), [F(2)], "more than axis 0"),
                new(new Concat(0), [F(2, 1), F(2, 2)], "cannot join"),
                new(new Pad(1, 0, 1), [F(2)], "no axis 1"),
                new(new Gather(), [F(2, 2), F(2)], "cannot take rows"),
                new(new GatherGradient(4), [I(2), F(3, 2)], "does not start with"),
                new(new TakeAlong(), [F(2, 3), I(3, 1)], "cannot take"),
                new(new PutAlong(4), [I(2, 1), F(2, 2)], "differ in shape"),
                new(new Top(3, Groups: 2, Keep: 1), [F(1, 4)], "3 cannot be chosen from 1 groups of 2"),
                new(new Contract(false, false), [F(2, 3), F(4, 2)], "contracts 3 with 4"),
                new(new Contract(false, true), [F(1, 2, 3), F(2, 2, 3)], "leading axes differ"),
                new(new GroupedContract(false), [F(4, 2), F(3, 2, 1), I(3)], "wanted int[4]"),
                new(new GroupedOuter(), [F(4, 2), F(5, 2), I(3)], "cannot contract the rows"),
                new(new Dispatch(4, 0), [F(2, 2)], "int[N, k]"),
                new(new GatherRows(2), [F(4, 2), I(4)], "not 2 rows for each"),
                new(new CombineRows(3), [F(4, 2), I(4)], "not 3 for each token"),
                new(new LinearCrossEntropy(), [F(2, 3), F(5, 4), I(2)], "cannot contract"),
                new(new LinearCrossEntropyWithGradient(), [F(2, 3), F(5, 3), I(2), F(3)], "not shaped as"),
                new(new LinearCrossEntropyGradient(), [F(2, 3), F(5, 3), I(2), F(2), F(3)], "not shaped as"),
                new(new Attend(AttentionMask.Causal, 0, 1), [F(1, 2, 1, 1), F(1, 3, 1, 1), F(1, 3, 1, 1)], "as many queries as keys"),
                new(new Attend(AttentionMask.None, 0, 1), [F(1, 2, 3, 1), F(1, 2, 2, 1), F(1, 2, 2, 1)], "do not share"),
                new(
                    new AttendGradient(AttentionMask.None, 0, 1),
                    [F(1, 2, 1, 1), F(1, 2, 1, 1), F(1, 2, 1, 1), F(1, 2, 1, 1), F(1, 2, 1), F(1, 3, 1, 1)],
                    "not shaped as the output"),
                new(new Repeat(2, 1, 0, body), [F(2)], "turns [2] into [3, 2]"),
            ];
        }
    }

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Inputs_that_do_not_fit_are_refused_in_words(ShapeCase @case)
    {
        ArgumentNullException.ThrowIfNull(@case);
        var e = Assert.Throws<ShapeException>(() => @case.Operation.Infer(@case.Inputs.ToEquatableArray()));
        Assert.Contains(@case.Message, e.Message, StringComparison.Ordinal);
    }

    private static TensorType F(params Dim[] shape) => TensorType.F32(shape);

    private static TensorType I(params Dim[] shape) => TensorType.I32(shape);
}
