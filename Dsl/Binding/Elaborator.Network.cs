using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>A block as the network of a diffusion: noisy samples in, denoised ones or a loss out. All of it is ordinary graph, so that it fuses as anything else does.</summary>
internal sealed partial class Elaborator
{
    /// <summary>The graph of the denoiser, or of its loss; null if something was wrong.</summary>
    /// <param name="network">What the network predicts and how it is trained.</param>
    /// <param name="process">How data become noise.</param>
    /// <param name="block">The block with its arguments, as the source writes it.</param>
    /// <param name="declaration">The diffusion.</param>
    public BoundGraph? ElaborateNetwork(BoundNetwork network, BoundProcess process, ExpressionSyntax block, Declaration declaration)
    {
        var region = new Region(null, 0, 0);
        var frame = new Frame(declaration, region, new Home(region, ""));
        var builder = region.Builder;
        builder.Origin = OriginOf(block.Span, frame);
        var value = Evaluate(block, frame);
        if (value is not Template template || block is not CallSyntax call)
        {
            return value is Poison ? null : Nothing(Fail(
                frame, DiagnosticIds.WrongKind, block.Span, $"`network` takes a block with its arguments, such as `Denoiser(width: 128)`, but {frame.Quote(block.Span)} is {value.Kind}"));
        }

        EquatableArray<Dim> shape = [Batch, .. network.Shape.Select(n => (Dim)n)];
        var inputs = new List<Value>();
        Value Given(string name, TensorType type)
        {
            inputs.Add(builder.Add(new Input(name, type)));
            return inputs[inputs.Count - 1];
        }

        var samples = new TensorType(ElementType.F32, shape);
        var first = Given(isTraining ? "clean" : "y", samples);
        var noise = isTraining ? Given("noise", samples) : null;
        var sigma = Given("sigma", TensorType.F32(Batch));
        var label = network.Classes > 0 ? Given("label", TensorType.I32(Batch)) : null;
        var level = builder.Reshape(sigma, new[] { Batch }.Concat(network.Shape.Select(_ => Dim.One)));
        var y = noise is null ? first : builder.Binary(BinaryFunction.Add, first, builder.Binary(BinaryFunction.Multiply, level, noise));
        builder.Name(y, "noisy");

        var scales = NetworkScales.Of(builder, network, process, level);
        var arguments = new List<(Entity, Span)>
        {
            (Made(builder.Binary(BinaryFunction.Multiply, scales.In, y), frame), block.Span),
            (Made(builder.Binary(BinaryFunction.Multiply, builder.Unary(UnaryFunction.Log, sigma), 0.25), frame), block.Span),
        };
        if (label is not null)
        {
            arguments.Add((Made(label, frame), block.Span));
        }

        var result = CallInstance(new(template, frame.Home), arguments, call, frame);
        if (result is Poison || Failed)
        {
            return null;
        }

        if (result is not Tensor output || output.Shape != shape || output.Type.Element != ElementType.F32)
        {
            return Nothing(FailShape(frame, block.Span, $"a network gives what it takes, {samples}, but `{template.Declaration.Name}` gives {result.Kind}"));
        }

        builder.Origin = OriginOf(block.Span, frame);
        var denoised = builder.Binary(BinaryFunction.Multiply, scales.Out, Here(output, frame));
        if (scales.Skip is { } skip)
        {
            denoised = builder.Binary(BinaryFunction.Add, builder.Binary(BinaryFunction.Multiply, skip, y), denoised);
        }

        builder.Name(denoised, "denoised");
        return isTraining
            ? LossOf(network, builder.Binary(BinaryFunction.Subtract, denoised, first), level, inputs, frame)
            : new(region.Assemble(inputs, [denoised]), [new(OutputKind.Result, "denoised")]);
    }

    // mean over samples of weight(sigma) * mean over coordinates of (D - x0)^2, and what the blocks add.
    private static BoundGraph LossOf(BoundNetwork network, Value error, Value level, List<Value> inputs, Frame frame)
    {
        var builder = frame.Region.Builder;
        var weight = NetworkScales.Weight(builder, network.Training, network.Data, level);
        var square = builder.Binary(BinaryFunction.Multiply, weight, builder.Unary(UnaryFunction.Square, error));
        var axes = Enumerable.Range(0, builder.Type(square).Rank);
        var count = builder.Binary(BinaryFunction.Multiply, builder.Add(new SizeOf(Batch)), network.Shape.Aggregate(1.0, (a, b) => a * b));
        var sum = builder.Reshape(builder.Reduce(ReduceFunction.Sum, square, axes));
        var denoising = builder.Binary(BinaryFunction.Divide, sum, count);
        builder.Name(denoising, "denoising");
        List<(GraphOutput Output, Value Value)> outputs = [(new(OutputKind.Metric, "denoising"), denoising)];
        return Assembled(denoising, outputs, inputs, frame);
    }

    private static BoundGraph? Nothing(Poison _) => null;
}
