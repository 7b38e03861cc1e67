using Mdl.Compiler.Tests.Differentiation;
using Mdl.Compiler.Tests.Evaluation;
using Mdl.Dsl;

namespace Mdl.Compiler.Tests;

/// <summary>Whoever adds an operation learns here which parts are missing.</summary>
public class CompletenessTests
{
    public static TheoryData<Type> Operations =>
        [.. typeof(Operation).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Operation)) && !t.IsAbstract).OrderBy(t => t.Name, StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Operations))]
    public void Operation_has_an_evaluation_case(Type operation) =>
        Assert.Contains(OperationCases.All, c => c.Operation.GetType() == operation);

    [Theory]
    [MemberData(nameof(Operations))]
    public void Operation_has_a_gradient_case_or_is_listed_as_having_no_derivative(Type operation)
    {
        var differentiated = GradientCases.All.Any(c => GradientCases.OperationsOf(c).Any(o => o.GetType() == operation));
        Assert.True(differentiated != GradientCases.WithoutDerivative.Contains(operation), $"{operation.Name}: a gradient case, or no derivative?");
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void Operation_has_a_shape_case_unless_it_takes_no_inputs(Type operation) =>
        Assert.True(operation.IsSubclassOf(typeof(Leaf)) || ShapeCases.All.Any(c => c.Operation.GetType() == operation));

    [Fact]
    public void Every_function_has_an_evaluation_case()
    {
        var operations = OperationCases.All.Select(c => c.Operation).ToHashSet();
        Assert.All(Enum.GetValues<UnaryFunction>(), f => Assert.Contains(new Unary(f), operations));
        Assert.All(Enum.GetValues<BinaryFunction>(), f => Assert.Contains(new Binary(f), operations));
        Assert.All(Enum.GetValues<ReduceFunction>(), f => Assert.Contains(operations, o => o is Reduce r && r.Function == f));
        Assert.All(Enum.GetValues<AttentionMask>(), m => Assert.Contains(operations, o => o is Attend a && a.Mask == m));
    }

    [Fact]
    public void Every_function_with_a_derivative_has_a_gradient_case()
    {
        UnaryFunction[] flat = [UnaryFunction.Sign, UnaryFunction.Floor, UnaryFunction.Step, UnaryFunction.StopGradient, UnaryFunction.ToFloat];
        BinaryFunction[] comparisons = [BinaryFunction.Less, BinaryFunction.Equal];
        var operations = GradientCases.All.SelectMany(GradientCases.OperationsOf).ToHashSet();
        Assert.All(Enum.GetValues<UnaryFunction>().Except(flat), f => Assert.Contains(new Unary(f), operations));
        Assert.All(Enum.GetValues<BinaryFunction>().Except(comparisons), f => Assert.Contains(new Binary(f), operations));
        Assert.All(Enum.GetValues<ReduceFunction>(), f => Assert.Contains(operations, o => o is Reduce r && r.Function == f));
        Assert.All(Enum.GetValues<AttentionMask>(), m => Assert.Contains(operations, o => o is Attend a && a.Mask == m));
    }
}
