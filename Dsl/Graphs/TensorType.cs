namespace Mdl.Dsl.Graphs;

public enum ElementType
{
    F32,
    I32,
}

/// <summary>Element type and axis sizes, outermost axis first; a scalar has no axes.</summary>
public sealed record TensorType(ElementType Element, EquatableArray<Dim> Shape)
{
    // Asked for again and again by every pass, and types live as long as the graph.
    private Dim? _size;
    private Dim[]? _strides;
    private TensorType? _leading;

    public int Rank => Shape.Count;

    public Dim Size => _size ??= Dim.Product(Shape);

    /// <summary>Row-major strides of a dense tensor.</summary>
    public EquatableArray<Dim> Strides => new(_strides ??= StridesOf(Shape));

    /// <summary>The type of the rows' numbers: all axes but the last; a scalar for a vector and for a scalar.</summary>
    public TensorType Leading => _leading ??= With(Rank == 0 ? Shape : Shape.RemoveAt(Rank - 1));

    public Dim Last => Shape[Rank - 1];

    public static TensorType F32(params IEnumerable<Dim> shape) => new(ElementType.F32, shape.ToEquatableArray());

    public static TensorType I32(params IEnumerable<Dim> shape) => new(ElementType.I32, shape.ToEquatableArray());

    public static TensorType F32(EquatableArray<Dim> shape) => new(ElementType.F32, shape);

    public TensorType With(EquatableArray<Dim> shape) => new(Element, shape);

    public bool Equals(TensorType? other) => ReferenceEquals(this, other) || (other is not null && Element == other.Element && Shape == other.Shape);

    public override int GetHashCode() => unchecked((Shape.GetHashCode() * 31) + (int)Element);

    private static Dim[] StridesOf(EquatableArray<Dim> shape)
    {
        var strides = new Dim[shape.Count];
        var stride = Dim.One;
        for (var i = strides.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= shape[i];
        }

        return strides;
    }

    public override string ToString() => (Element == ElementType.I32 ? "int" : "") + Shape;
}
