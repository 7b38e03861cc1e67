using System.Globalization;
using Mdl.Compiler.Evaluation;
using Mdl.Dsl;

namespace Mdl.Compiler.Tests.Evaluation;

public class EvaluatorTests
{
    private static readonly Dictionary<string, long> Symbols = new() { ["B"] = 2, ["T"] = 3 };

    public static TheoryData<OperationCase> Cases => [.. OperationCases.All];

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Operation_computes_what_was_worked_out_by_hand(OperationCase @case)
    {
        ArgumentNullException.ThrowIfNull(@case);
        var b = new GraphBuilder();
        Value[] inputs = @case.Operation is Leaf
            ? []
            : [.. @case.Inputs.Select((x, i) => b.Add(new Input($"{i}", new(x.Element, x.Data.Shape.Select(n => (Dim)n).ToEquatableArray()))))];
        var graph = b.Build(b.AddAll(@case.Operation, inputs));
        var results = Evaluator.Run(graph, Symbols, name => @case.Inputs[int.Parse(name, CultureInfo.InvariantCulture)].Data, _ => @case.Inputs[0].Data);

        Assert.Equal(@case.Expected.Length, results.Length);
        foreach (var (expected, actual) in @case.Expected.Zip(results))
        {
            Assert.Equal(expected.Shape, actual.Shape);
            for (var i = 0; i < expected.Data.Length; i++)
            {
                // A handful of roundings of doubles.
                Assert.Equal(expected.Data[i], actual.Data[i], 1e-14 * Math.Max(1, Math.Abs(expected.Data[i])));
            }
        }
    }

    [Fact]
    public void Positions_start_at_the_offset()
    {
        var b = new GraphBuilder();
        var graph = b.Build(b.Add(new Positions(Dim.Symbol("T"))));
        var result = Evaluator.Run(graph, Symbols, NoLeaf, NoLeaf, positionOffset: 5);
        Assert.Equal([5, 6, 7], result[0].Data);
    }

    [Fact]
    public void An_input_of_another_shape_is_refused_by_name()
    {
        var b = new GraphBuilder();
        var graph = b.Build(b.Add(new Input("tokens", TensorType.I32(Dim.Symbol("B")))));
        var e = Assert.Throws<ArgumentException>(() => Evaluator.Run(graph, Symbols, _ => new NDArray([3]), NoLeaf));
        Assert.Contains("tokens", e.Message, StringComparison.Ordinal);
        Assert.Contains("[3], wanted [2]", e.Message, StringComparison.Ordinal);
    }

    private static NDArray NoLeaf(string name) => throw new InvalidOperationException(name);
}
