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

    public PointBlocks(ReadOnlySpan<T> data, int dimensions, ReadOnlySpan<T> centre, T inverseScale)
    {
        Dimensions = dimensions;
        Count = data.Length / dimensions;
        Blocks = (Count + Size - 1) / Size;
        BoxStride = (Blocks + 15) & ~15;
        _points = new AlignedMemory<T>((long)Blocks * Size * dimensions);
        _boxes = new AlignedMemory<T>(2L * BoxStride * dimensions);
        var far = T.CreateTruncating(typeof(T) == typeof(float) ? 1e15 : 1e100);
        _boxes.Span.Fill(far);
        _points.Span.Fill(far);
        var order = new KdOrder<T>(data, dimensions, Size).Order;
        for (var place = 0; place < Count; place++)
        {
            var (block, lane) = Math.DivRem(place, Size);
            for (var j = 0; j < dimensions; j++)
            {
                var value = (data[(order[place] * dimensions) + j] - centre[j]) * inverseScale;
                Points[((((long)block * dimensions) + j) * Size) + lane] = value;
                ref var low = ref Low[((long)j * BoxStride) + block];
                ref var high = ref High[((long)j * BoxStride) + block];
                low = lane == 0 || value < low ? value : low;
                high = lane == 0 || value > high ? value : high;
            }
        }
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

    /// <summary>[column, block].</summary>
    public T* Low => _boxes.Pointer;

    /// <summary>[column, block].</summary>
    public T* High => _boxes.Pointer + ((long)BoxStride * Dimensions);
}
