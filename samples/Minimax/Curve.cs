using Minimax.Sample.Measures;

namespace Minimax.Sample;

/// <summary>Measurements of one quantity over n or t, and the slope that theory gives on logarithmic axes.</summary>
/// <param name="Name">What the legend calls it.</param>
/// <param name="Axis">n or t.</param>
/// <param name="Points">Measured.</param>
/// <param name="Theory">The slope in theory.</param>
internal sealed record Curve(string Name, string Axis, IReadOnlyList<(double X, double Y)> Points, double Theory)
{
    /// <summary>The slope by least squares.</summary>
    public double Slope => Fit.Slope(Points);
}
