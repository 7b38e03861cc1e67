using System.Globalization;

namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>
/// When to start and stop a kernel score so that samples have the minimax rate: Zhang et al. (2402.15602), theorem 3.8. Times are in units of the data's variance.
/// </summary>
public sealed record MinimaxStop
{
    private const double MostSmoothness = 2;
    private const double UselessRate = 0.5;

    /// <summary>Times for n data of d dimensions whose density is in a Sobolev class.</summary>
    /// <param name="smoothness">beta, above 0 and at most 2, or more if the last step is denoised.</param>
    /// <param name="count">n.</param>
    /// <param name="dimensions">d.</param>
    /// <param name="standardDeviation">The data's, over all columns.</param>
    /// <param name="denoises">Whether the last step returns the denoised point, which the theorem does not cover.</param>
    /// <exception cref="ArgumentException">A smoothness that nothing is promised for.</exception>
    public MinimaxStop(double smoothness, int count, int dimensions, double standardDeviation, bool denoises = false)
    {
        if (!(smoothness > 0 && double.IsFinite(smoothness)) || (smoothness > MostSmoothness && !denoises))
        {
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture, $"The smoothness must be above 0 and at most {MostSmoothness}, not {smoothness}: a normal kernel gains nothing from more.")
                + " A last denoising step would.", nameof(smoothness));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(count, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimensions, 1);
        (Smoothness, Count, Dimensions) = (smoothness, count, dimensions);
        var exponent = (2 * smoothness) + dimensions;
        var variance = standardDeviation * standardDeviation;
        StopTime = variance * Math.Pow(count, -2 / exponent);
        StartTime = variance * Math.Pow(count, 2 * smoothness / exponent);
        Rate = Math.Pow(count, -smoothness / exponent);
    }

    /// <summary>beta.</summary>
    public double Smoothness { get; }

    /// <summary>n.</summary>
    public int Count { get; }

    /// <summary>d.</summary>
    public int Dimensions { get; }

    /// <summary>t0 = n^(-2 / (2 beta + d)), times the variance.</summary>
    public double StopTime { get; }

    /// <summary>T = n^(2 beta / (2 beta + d)), times the variance.</summary>
    public double StartTime { get; }

    /// <summary>The root of t0: where sampling stops.</summary>
    public double StopSigma => Math.Sqrt(StopTime);

    /// <summary>The root of T: where it starts.</summary>
    public double StartSigma => Math.Sqrt(StartTime);

    /// <summary>n^(-beta / (2 beta + d)), which the distance in total variation is promised to follow up to a constant and powers of log n.</summary>
    public double Rate { get; }

    /// <summary>Whether the promise is worth something.</summary>
    public bool IsUseful => Rate <= UselessRate;

    /// <summary>One line for people.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"minimax stop: beta = {Smoothness}, n = {Count}, d = {Dimensions}, t0 = {StopTime:G4} (sigma {StopSigma:G4}), T = {StartTime:G4} (sigma {StartSigma:G4}), rate {Rate:G4}")
        + (IsUseful ? "" : "; warning: at this rate the guarantee says nothing, there are too few data for so many dimensions");
}
