using System.Numerics;
using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>
/// Data merged for a least time: in each part of the k-d tree that is small beside sqrt(t) and full of points, the Chebyshev nodes of the part's box take
/// their place (<see cref="ChebyshevWeights"/>). Which parts is decided by the count: whatever leaves the fewest points. Good for all larger times.
/// </summary>
internal sealed unsafe class MergedPoints<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>
    /// The error of a kernel's value, of at most 1, relative to the rounding unit: so small that where the mean of the kernel over the data is
    /// above <see cref="LeastMean"/>, its relative error is below the unit, with a factor of 10 for the columns and the growth of interpolation.
    /// </summary>
    public const double LeastMean = 1e-4;

    private const double Growth = 10;

    // Nodes along a column; more would lose digits to weights of both signs.
    private const int MostNodes = 32;

    // Merging less than this share of the points does not pay for the merging.
    private const double LeastGain = 0.25;

    private readonly PointBlocks<T> _data;
    private readonly double _deviation;
    private readonly List<Part> _parts = [];

    private MergedPoints(PointBlocks<T> data, double variance)
    {
        _data = data;
        _deviation = Math.Sqrt(variance);
    }

    private static double Error => LeastMean / Growth * (typeof(T) == typeof(float) ? 1e-7 : 1e-15);

    /// <summary>The points for times from a variance on, or null where merging does not pay.</summary>
    /// <param name="data">The data.</param>
    /// <param name="variance">The least time, in the unit of the data.</param>
    /// <param name="team">The threads to work with; the result does not depend on their number.</param>
    public static PointBlocks<T>? Build(PointBlocks<T> data, double variance, Team team)
    {
        var merged = new MergedPoints<T>(data, variance);
        var count = merged.Plan(0, data.Blocks, new double[data.Dimensions], new double[data.Dimensions]);
        if (count > (1 - LeastGain) * data.Count)
        {
            return null;
        }

        var target = new PointBlocks<T>(count, data.Dimensions, hasWeights: true);
        var place = 0;
        foreach (var part in merged._parts)
        {
            part.Place = place;
            place += part.Count;
        }

        var work = new Filling { Parts = [.. merged._parts], Data = data, Target = target };
        team.Run(&Fill, Unsafe.AsPointer(ref work), work.Parts.Length);
        target.Enclose();
        return target;
    }

    // Returns the fewest points that a range of blocks can become, adds the parts they come from, and gives the box.
    private int Plan(int begin, int end, Span<double> low, Span<double> high)
    {
        var d = _data.Dimensions;
        var points = Math.Min(_data.Count, end * PointBlocks<T>.Size) - (begin * PointBlocks<T>.Size);
        var first = _parts.Count;
        var least = points;
        if (end - begin == 1)
        {
            for (var j = 0; j < d; j++)
            {
                low[j] = double.CreateTruncating(_data.Low[((long)j * _data.BoxStride) + begin]);
                high[j] = double.CreateTruncating(_data.High[((long)j * _data.BoxStride) + begin]);
            }
        }
        else
        {
            var middle = begin + ((end - begin) / 2);
            Span<double> lowOther = stackalloc double[d];
            Span<double> highOther = stackalloc double[d];
            least = Plan(begin, middle, low, high) + Plan(middle, end, lowOther, highOther);
            for (var j = 0; j < d; j++)
            {
                low[j] = Math.Min(low[j], lowOther[j]);
                high[j] = Math.Max(high[j], highOther[j]);
            }
        }

        var nodes = new int[d];
        var count = 1L;
        for (var j = 0; j < d; j++)
        {
            nodes[j] = ChebyshevWeights.NodesFor((high[j] - low[j]) / (2 * _deviation), Error, MostNodes);
            count = nodes[j] > MostNodes ? int.MaxValue : Math.Min(count * nodes[j], int.MaxValue);
        }

        if (count < least || end - begin == 1)
        {
            _parts.RemoveRange(first, _parts.Count - first);
            var merges = count < points;
            _parts.Add(new Part
            {
                Begin = begin * PointBlocks<T>.Size, End = (begin * PointBlocks<T>.Size) + points, Nodes = merges ? nodes : null, Low = low.ToArray(), High = high.ToArray(),
                Count = merges ? (int)count : points,
            });
            least = _parts[^1].Count;
        }

        return least;
    }

    private static void Fill(void* arguments, int chunk, int worker)
    {
        ref var filling = ref Unsafe.AsRef<Filling>(arguments);
        var part = filling.Parts[chunk];
        var d = filling.Data.Dimensions;
        if (part.Nodes is { } nodes)
        {
            new ChebyshevWeights(nodes).Fill(
                filling.Data, part.Begin, part.End, part.Low, part.High, filling.Target, part.Place, new double[ChebyshevWeights.WorkDoubles(nodes)]);
            return;
        }

        for (var i = 0; i < part.Count; i++)
        {
            var from = filling.Data.Column(part.Begin + i);
            var to = filling.Target.Column(part.Place + i);
            for (var j = 0; j < d; j++)
            {
                to[j * PointBlocks<T>.Size] = from[j * PointBlocks<T>.Size];
            }

            filling.Target.Weights[part.Place + i] = T.One;
        }
    }

    private struct Filling
    {
        public Part[] Parts;
        public PointBlocks<T> Data;
        public PointBlocks<T> Target;
    }

    // A range of points, and how many points take their place.
    private sealed class Part
    {
        public int Begin { get; init; }

        public int End { get; init; }

        // Along each column, or null where points stay as they are.
        public int[]? Nodes { get; init; }

        public required double[] Low { get; init; }

        public required double[] High { get; init; }

        public int Count { get; init; }

        public int Place { get; set; }
    }
}
