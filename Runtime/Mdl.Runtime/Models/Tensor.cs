namespace Mdl.Runtime.Models;

/// <summary>
/// A view of row-major f32 values in a model's memory. It owns nothing: it is valid as long as the model is not disposed.
/// </summary>
public readonly unsafe struct Tensor
{
    private readonly IReadOnlyList<long> _shape;

    /// <summary>A view of <paramref name="data"/>.</summary>
    public Tensor(float* data, IReadOnlyList<long> shape)
    {
        Data = data;
        _shape = shape;
        Size = 1;
        foreach (var length in shape)
        {
            Size = checked(Size * length);
        }
    }

    /// <summary>The first element.</summary>
    public float* Data { get; }

    /// <summary>The length of each dimension, outermost first.</summary>
    public IReadOnlyList<long> Shape => _shape ?? [];

    /// <summary>The number of elements.</summary>
    public long Size { get; }

    /// <summary>The element at one coordinate per dimension.</summary>
    /// <exception cref="ArgumentException">The number of coordinates is not the number of dimensions.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A coordinate lies outside its dimension.</exception>
    public ref float this[params ReadOnlySpan<long> coordinates]
    {
        get
        {
            if (coordinates.Length != Shape.Count)
            {
                throw new ArgumentException($"{coordinates.Length} coordinates for a tensor of {Shape.Count} dimensions.", nameof(coordinates));
            }

            long index = 0;
            for (var i = 0; i < coordinates.Length; i++)
            {
                ArgumentOutOfRangeException.ThrowIfNegative(coordinates[i], nameof(coordinates));
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(coordinates[i], _shape[i], nameof(coordinates));
                index = (index * _shape[i]) + coordinates[i];
            }

            return ref Data[index];
        }
    }

    /// <summary>All elements.</summary>
    /// <exception cref="OverflowException">There are more than a span holds.</exception>
    public Span<float> AsSpan() => new(Data, checked((int)Size));

    /// <summary>Copies all elements out.</summary>
    public void CopyTo(Span<float> destination) => AsSpan().CopyTo(destination);

    /// <summary>Overwrites all elements.</summary>
    /// <exception cref="ArgumentException">The number of values is not the number of elements.</exception>
    public void CopyFrom(ReadOnlySpan<float> values)
    {
        if (values.Length != Size)
        {
            throw new ArgumentException($"{values.Length} values for a tensor of shape {this}.", nameof(values));
        }

        values.CopyTo(AsSpan());
    }

    /// <summary>The shape, as in <c>[512, 256]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", Shape)}]";
}
