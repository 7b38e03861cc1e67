namespace Mdl.Runtime.Profiling;

/// <summary>What a profiler saw.</summary>
/// <param name="Kernels">All kernels, those that took most time first.</param>
/// <param name="Steps">Training steps.</param>
/// <param name="StepSeconds">Time of the training steps, from their begin to their end.</param>
/// <param name="KernelSecondsInSteps">Time of the launches within training steps.</param>
public sealed record ProfileReport(IReadOnlyList<KernelTime> Kernels, long Steps, double StepSeconds, double KernelSecondsInSteps)
{
    /// <summary>The time of all launches.</summary>
    public double KernelSeconds => Kernels.Sum(k => k.Seconds);

    /// <summary>The share of the steps' time that the launches account for; NaN without steps.</summary>
    public double Coverage => KernelSecondsInSteps / StepSeconds;

    /// <summary>
    /// The sum of the launches' times at the roofline as a share of all time. A kernel counts for no more than its time, so that one whose
    /// operands lie in a cache does not make up for another.
    /// </summary>
    public double RooflineShare => Share(Kernels);

    /// <summary>Time, and share of the roofline, of one phase.</summary>
    public (double Seconds, double RooflineShare) Of(LaunchPhase phase)
    {
        var kernels = Kernels.Where(k => k.Info.Phase == phase).ToList();
        return (kernels.Sum(k => k.Seconds), Share(kernels));
    }

    private static double Share(IReadOnlyList<KernelTime> kernels)
    {
        var seconds = kernels.Sum(k => k.Seconds);
        return seconds > 0 ? kernels.Sum(k => Math.Min(k.RooflineSeconds, k.Seconds)) / seconds : 0;
    }
}
