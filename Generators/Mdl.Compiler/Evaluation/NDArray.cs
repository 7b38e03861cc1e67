using Mdl.Dsl;

namespace Mdl.Compiler.Evaluation;

/// <summary>A dense row-major tensor of doubles. Ints are held as doubles, which is exact up to 2^53.</summary>
public sealed class NDArray
{
    /// <exception cref="ArgumentException">The number of elements is not the product of the sizes.</exception>
    public NDArray(EquatableArray<int> shape, double[] data)
    {
        if (Count(shape) != data.Length)
        {
            throw new ArgumentException($"{shape} does not hold {data.Length} elements");
        }

        Shape = shape;
        Data = data;
    }

    public NDArray(EquatableArray<int> shape)
        : this(shape, new double[Count(shape)])
    {
    }

    public EquatableArray<int> Shape { get; }

    public double[] Data { get; }

    public int Rank => Shape.Count;

    /// <summary>Size of the last axis; 1 for a scalar.</summary>
    public int Last => Rank == 0 ? 1 : Shape[Rank - 1];

    /// <summary>The value of a tensor with one element.</summary>
    public double Scalar => Data.Length == 1 ? Data[0] : throw new InvalidOperationException($"{Shape} is not one element");

    public static NDArray Of(double value) => new([], [value]);

    public NDArray Reshape(EquatableArray<int> shape) => new(shape, Data);

    /// <summary>Part <paramref name="index"/> along the first axis, copied.</summary>
    public NDArray Part(int index)
    {
        var shape = Shape.RemoveAt(0);
        var part = new NDArray(shape);
        Array.Copy(Data, (long)index * part.Data.Length, part.Data, 0, part.Data.Length);
        return part;
    }

    /// <summary>Distance between neighbours along each axis.</summary>
    public int[] Strides()
    {
        var strides = new int[Rank];
        for (int i = Rank - 1, stride = 1; i >= 0; stride *= Shape[i], i--)
        {
            strides[i] = stride;
        }

        return strides;
    }

    /// <summary>A tensor computed element by element from its coordinates. The coordinates are valid during the call only.</summary>
    public static NDArray Build(EquatableArray<int> shape, Func<int[], double> element)
    {
        var result = new NDArray(shape);
        var at = new int[shape.Count];
        for (var i = 0; i < result.Data.Length; i++)
        {
            result.Data[i] = element(at);
            for (var axis = at.Length - 1; axis >= 0 && ++at[axis] == shape[axis]; axis--)
            {
                at[axis] = 0;
            }
        }

        return result;
    }

    public override string ToString() => $"{Shape} {{{string.Join(", ", Data.Take(8))}{(Data.Length > 8 ? ", ..." : "")}}}";

    private static int Count(EquatableArray<int> shape) => shape.Aggregate(1, (a, b) => checked(a * b));
}
