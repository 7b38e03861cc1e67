namespace Mdl.Dsl.Graphs;

public enum ElementType
{
    F32,
    I32,
}

/// <summary>Element type and axis sizes, outermost axis first; a scalar has no axes.</summary>
public sealed record TensorType(ElementType Element, EquatableArray<Dim> Shape)
{
    public int Rank => Shape.Count;

    public Dim Size => Dim.Product(Shape);

    public Dim Last => Shape[Rank - 1];

    public static TensorType F32(params IEnumerable<Dim> shape) => new(ElementType.F32, shape.ToEquatableArray());

    public static TensorType I32(params IEnumerable<Dim> shape) => new(ElementType.I32, shape.ToEquatableArray());

    public static TensorType F32(EquatableArray<Dim> shape) => new(ElementType.F32, shape);

    public TensorType With(EquatableArray<Dim> shape) => new(Element, shape);

    public bool Equals(TensorType? other) => ReferenceEquals(this, other) || (other is not null && Element == other.Element && Shape == other.Shape);

    public override int GetHashCode() => unchecked((Shape.GetHashCode() * 31) + (int)Element);

    public override string ToString() => (Element == ElementType.I32 ? "int" : "") + Shape;
}
