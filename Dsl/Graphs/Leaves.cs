namespace Mdl.Dsl.Graphs;

/// <summary>A value that the caller passes. In the body of a <see cref="Repeat"/>, <paramref name="Name"/> is "#0", "#1", ... in order.</summary>
public sealed record Input(string Name, TensorType InputType) : Leaf
{
    public override TensorType Type => InputType;
}

/// <summary>A parameter or state of the model, by its key (see <c>BoundParameter.Key</c>); repeated ones have the repetition as first axis.</summary>
public sealed record Parameter(string Path, TensorType ParameterType) : Leaf
{
    public override TensorType Type => ParameterType;
}

/// <summary>A scalar constant.</summary>
public sealed record Constant(double Value) : Leaf
{
    public override TensorType Type => TensorType.F32();
}

/// <summary>A size as a float scalar: the divisor of a mean over tokens, whose number is known only at run time. Constant sizes are <see cref="Constant"/>.</summary>
public sealed record SizeOf(Dim Size) : Leaf
{
    public override TensorType Type => TensorType.F32();
}

/// <summary>0, 1, ..., length - 1 as floats: [length].</summary>
public sealed record Iota(Dim Length) : Leaf
{
    public override TensorType Type => TensorType.F32(Length);
}

/// <summary>The positions of the tokens at hand, int[length]: 0, 1, ... in training; shifted by the cached length while decoding.</summary>
public sealed record Positions(Dim Length) : Leaf
{
    public override TensorType Type => TensorType.I32(Length);
}

/// <summary>Numbers known at build time, row by row.</summary>
public sealed record Table(EquatableArray<double> Values, EquatableArray<Dim> Shape) : Leaf
{
    public override TensorType Type => TensorType.F32(Shape);

    public override string ToString() => $"Table {{ {Values.Count} values, Shape = {Shape} }}";
}
