namespace Mdl.Dsl.Graphs;

/// <summary>
/// One of the closed set of graph operations. Each is a record whose shape rule is <see cref="Infer"/>; its reference meaning, derivative and
/// lowering are found under its name in Evaluation, Differentiation and Planning of the compiler.
/// </summary>
public abstract record Operation
{
    private int _hash;

    protected Operation()
    {
    }

    /// <summary>Copies nothing: the hash of a copy is another one.</summary>
    protected Operation(Operation original)
    {
    }

    /// <summary>The hash code, computed once: passes look the same operations up again and again.</summary>
    internal int Hash => _hash != 0 ? _hash : _hash = GetHashCode();

    /// <summary>The types of the outputs.</summary>
    /// <exception cref="ShapeException">The inputs do not fit.</exception>
    public abstract EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs);

    // Written out because the hash is no part of an operation.
    public virtual bool Equals(Operation? other) => ReferenceEquals(this, other) || (other is not null && EqualityContract == other.EqualityContract);

    public override int GetHashCode() => EqualityContract.GetHashCode();
}

/// <summary>An operation without inputs: graph inputs, parameters, constants, counters.</summary>
public abstract record Leaf : Operation
{
    public abstract TensorType Type { get; }

    public sealed override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs) => [Type];
}
