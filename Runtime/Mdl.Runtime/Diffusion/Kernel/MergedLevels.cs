using System.Numerics;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>
/// The data merged for each time that they are asked for, in steps of a factor of two: which points stand for the data depends on the data and the time
/// alone, not on what was asked before.
/// </summary>
/// <param name="data">The data; up to <see cref="MostDimensions"/> columns.</param>
internal sealed unsafe class MergedLevels<T>(PointBlocks<T> data)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Nodes are a power of the number of columns: with more of them there are never fewer nodes than points.</summary>
    public const int MostDimensions = 3;

    // From here on all data are a single box of few nodes.
    private const double MostDeviations = 8;

    private readonly Dictionary<int, PointBlocks<T>?> _levels = [];
    private readonly int _top = Math.ILogB(MostDeviations * MostDeviations * Math.Max(SquaredWidth(data), double.Epsilon)) + 1;

    /// <summary>The points that stand for the data at a time in the unit of the data squared.</summary>
    public PointBlocks<T> At(double variance, Team team)
    {
        var level = Math.Min(Math.ILogB(variance), _top);
        lock (_levels)
        {
            if (!_levels.TryGetValue(level, out var merged))
            {
                merged = MergedPoints<T>.Build(data, Math.ScaleB(1, level), team);
                _levels.Add(level, merged);
            }

            return merged ?? data;
        }
    }

    private static double SquaredWidth(PointBlocks<T> data)
    {
        var widest = 0.0;
        for (var j = 0; j < data.Dimensions; j++)
        {
            var (low, high) = (double.PositiveInfinity, double.NegativeInfinity);
            for (var block = 0; block < data.Blocks; block++)
            {
                low = Math.Min(low, double.CreateTruncating(data.Low[((long)j * data.BoxStride) + block]));
                high = Math.Max(high, double.CreateTruncating(data.High[((long)j * data.BoxStride) + block]));
            }

            widest = Math.Max(widest, high - low);
        }

        return widest * widest;
    }
}
