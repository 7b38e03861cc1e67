using Mdl.Runtime.Training;

namespace Ling.Sample.Progress;

/// <summary>What a progress view shows of a step.</summary>
/// <param name="Result">The step.</param>
/// <param name="Steps">All steps of the run.</param>
/// <param name="HeldOut">The held-out loss measured last, or null before the first.</param>
/// <param name="TokensPerSecond">Speed over the last steps.</param>
/// <param name="TimeLeft">Until the last step, at that speed.</param>
/// <param name="Balance">The expert load of each layer.</param>
public sealed record ProgressState(
    StepResult Result, long Steps, double? HeldOut, double TokensPerSecond, TimeSpan TimeLeft, IReadOnlyList<ExpertBalance> Balance);

/// <summary>How evenly a layer's experts are used.</summary>
/// <param name="Layer">The layer's name.</param>
/// <param name="Least">Least load over mean load.</param>
/// <param name="Most">Most load over mean load; 1 is perfect balance.</param>
public readonly record struct ExpertBalance(string Layer, double Least, double Most)
{
    public static ExpertBalance Of(string layer, ReadOnlySpan<float> loads)
    {
        var (least, most, sum) = (float.MaxValue, 0f, 0.0);
        foreach (var load in loads)
        {
            least = Math.Min(least, load);
            most = Math.Max(most, load);
            sum += load;
        }

        var mean = sum / loads.Length;
        return mean > 0 ? new ExpertBalance(layer, least / mean, most / mean) : new ExpertBalance(layer, 0, 0);
    }
}
