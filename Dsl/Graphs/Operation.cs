namespace Mdl.Dsl.Graphs;

/// <summary>
/// One of the closed set of graph operations. Each is a record whose shape rule is <see cref="Infer"/>; its reference meaning, derivative and
/// lowering are found under its name in Evaluation, Differentiation and Planning of the compiler.
/// </summary>
public abstract record Operation
{
    /// <summary>The types of the outputs.</summary>
    /// <exception cref="ShapeException">The inputs do not fit.</exception>
    public abstract EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs);
}

/// <summary>An operation without inputs: graph inputs, parameters, constants, counters.</summary>
public abstract record Leaf : Operation
{
    public abstract TensorType Type { get; }

    public sealed override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs) => [Type];
}
