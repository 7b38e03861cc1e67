namespace Mdl.Benchmarks.Reports;

/// <summary>One measured thing.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Unit">The unit of both figures.</param>
/// <param name="Ours">Our figure.</param>
internal sealed record Row(string What, string Unit, double Ours)
{
    /// <summary>The figure of libtorch in the same run, if it was there and can do the same.</summary>
    public double? Peer { get; init; }

    /// <summary>Our figure as a share of what the machine can do at best, measured in the same run.</summary>
    public double? OfLimit { get; init; }

    /// <summary>What has to be reached, in words.</summary>
    public string Target { get; init; } = "";

    /// <summary>Whether it is; null without a target, or where it needs a peer that was not there.</summary>
    public bool? Reached { get; init; }

    /// <summary>Ours divided by the peer's.</summary>
    public double? Ratio => Ours / Peer;
}
