using System.Globalization;

namespace Mdl.Benchmarks.Cases;

/// <summary>A target that is a ratio to the peer, as far as the processor can go: docs/decisions/0006.</summary>
/// <param name="Ratio">The ratio.</param>
/// <param name="PeakShare">The share of the peak that is wanted besides.</param>
internal sealed record RatioTarget(double Ratio, double? PeakShare = null)
{
    // Where the peer itself comes this near to the peak, there is nothing to win and matching it is enough.
    private const double NearPeak = 0.8;

    // No more than this share of the peak is asked for, whatever the peer reaches.
    private const double PeakCap = 0.85;

    /// <summary>The target in words, and whether it is reached; null without a peer.</summary>
    /// <param name="ours">Our rate.</param>
    /// <param name="peer">The peer's.</param>
    /// <param name="peak">The rate at which the multiply-add units would be busy all the time, measured in the same run.</param>
    public (string Target, bool? Reached) Judge(double ours, double? peer, double peak)
    {
        var ratio = peer > NearPeak * peak ? Math.Min(Ratio, 1) : Ratio;
        if (ratio > 1 && peer * ratio > PeakCap * peak)
        {
            return (
                string.Create(CultureInfo.InvariantCulture, $"{PeakCap:0 %} of the peak (below {ratio}x)"),
                ours >= PeakCap * peak && ours >= peer);
        }

        var target = string.Create(CultureInfo.InvariantCulture, $"{ratio}x{(PeakShare is { } wanted ? $", {wanted:0 %} of the peak" : "")}");
        return (target, peer is null ? null : ours >= ratio * peer && ours >= (PeakShare ?? 0) * peak);
    }
}
