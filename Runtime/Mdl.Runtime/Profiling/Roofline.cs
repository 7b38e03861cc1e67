using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Profiling;

/// <summary>What the machine can do at best.</summary>
/// <param name="FlopsPerSecond">Multiply-adds in single precision on all threads, each counted as two.</param>
/// <param name="ShortFlopsPerSecond">The same with operands in bfloat16; no less than in single precision, which takes over where it is faster.</param>
/// <param name="BytesPerSecond">Reading memory that is larger than the caches, on all threads.</param>
public sealed record Roofline(double FlopsPerSecond, double ShortFlopsPerSecond, double BytesPerSecond)
{
    // Several times the last-level cache of any processor of a desk or of a share of a server.
    private const long Memory = 256L << 20;

    /// <summary>Measures it, in about a second.</summary>
    public static Roofline Measure(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return new(
            MachineLimits.MeasureMultiplyAddPeak(device.Team), MachineLimits.MeasureMultiplyAddPeak(device.Team, format: ElementFormat.BFloat16),
            MachineLimits.MeasureReadBandwidth(device.Team, Memory));
    }

    /// <summary>The least time for so many operations and bytes: the larger of the two times that each takes by itself.</summary>
    public double Seconds(double flops, double bytes, ElementFormat format = ElementFormat.Single) =>
        Math.Max(flops / (format == ElementFormat.BFloat16 ? ShortFlopsPerSecond : FlopsPerSecond), bytes / BytesPerSecond);
}
