using System.Numerics;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>
/// Points in the order of a k-d tree, in blocks of <see cref="Size"/>: each block holds its points column after column, and has a box around them. Points
/// are centred and scaled by a power of two, so that they are of the order of 1. Missing points of the last block lie so far away that they count for nothing.
/// </summary>
internal sealed unsafe class PointBlocks<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Points in a block.</summary>
    public const int Size = 256;

    private readonly AlignedMemory<T> _points;
    private readonly AlignedMemory<T> _boxes;
    private readonly AlignedMemory<T>? _weights;

    /// <summary>Room for points that are put afterwards, each with a weight where the blocks have weights.</summary>
    public PointBlocks(int count, int dimensions, bool hasWeights)
    {
        Dimensions = dimensions;
        Count = count;
        Blocks = (Count + Size - 1) / Size;
        BoxStride = (Blocks + 15) & ~15;
        _points = new AlignedMemory<T>((long)Blocks * Size * dimensions);
        _boxes = new AlignedMemory<T>(2L * BoxStride * dimensions);
        _weights = hasWeights ? new AlignedMemory<T>((long)Blocks * Size) : null;
        var far = T.CreateTruncating(typeof(T) == typeof(float) ? 1e15 : 1e100);
        _boxes.Span.Fill(far);
        _points.Span.Fill(far);
    }

    /// <summary>The blocks of data [n, d].</summary>
    public static PointBlocks<T> Of(ReadOnlySpan<T> data, int dimensions, ReadOnlySpan<T> centre, T inverseScale)
    {
        var blocks = new PointBlocks<T>(data.Length / dimensions, dimensions, hasWeights: false);
        var order = new KdOrder<T>(data, dimensions, Size).Order;
        for (var place = 0; place < blocks.Count; place++)
        {
            var point = blocks.Column(place);
            for (var j = 0; j < dimensions; j++)
            {
                point[j * Size] = (data[(order[place] * dimensions) + j] - centre[j]) * inverseScale;
            }
        }

        blocks.Enclose();
        return blocks;
    }

    public int Dimensions { get; }

    /// <summary>The number of points.</summary>
    public int Count { get; }

    /// <summary>The number of blocks.</summary>
    public int Blocks { get; }

    /// <summary>Numbers between the bounds of two columns.</summary>
    public int BoxStride { get; }

    /// <summary>[block, column, point].</summary>
    public T* Points => _points.Pointer;

    /// <summary>[block, point]: what each point counts, or null where each counts 1.</summary>
    public T* Weights => _weights is null ? null : _weights.Pointer;

    /// <summary>[column, block].</summary>
    public T* Low => _boxes.Pointer;

    /// <summary>[column, block].</summary>
    public T* High => _boxes.Pointer + ((long)BoxStride * Dimensions);

    /// <summary>Where the first coordinate of a point stands; the others follow at distances of <see cref="Size"/>.</summary>
    public T* Column(int place) => Points + ((long)(place / Size) * Dimensions * Size) + (place % Size);

    /// <summary>Computes the boxes from the points.</summary>
    public void Enclose()
    {
        for (var block = 0; block < Blocks; block++)
        {
            var points = new ReadOnlySpan<T>(Column(block * Size), Size * Dimensions);
            var count = Math.Min(Size, Count - (block * Size));
            for (var j = 0; j < Dimensions; j++)
            {
                var (low, high) = (points[j * Size], points[j * Size]);
                foreach (var value in points.Slice(j * Size, count))
                {
                    low = value < low ? value : low;
                    high = value > high ? value : high;
                }

                Low[((long)j * BoxStride) + block] = low;
                High[((long)j * BoxStride) + block] = high;
            }
        }
    }
}
