namespace Mdl.Runtime.Profiling;

/// <summary>What a profiler saw of one kernel, summed over all its calls.</summary>
/// <param name="Program">The program that launched it.</param>
/// <param name="Info">The launch; its costs are those of the last run.</param>
/// <param name="Calls">Calls.</param>
/// <param name="Seconds">Time.</param>
/// <param name="Flops">Floating-point operations.</param>
/// <param name="Bytes">Bytes.</param>
/// <param name="RooflineSeconds">The least time that the machine could take for them.</param>
public sealed record KernelTime(string Program, LaunchInfo Info, long Calls, double Seconds, double Flops, double Bytes, double RooflineSeconds)
{
    /// <summary>The share of the machine's best.</summary>
    /// <remarks>Above 1 where operands came from a cache instead of from memory.</remarks>
    public double RooflineShare => Seconds > 0 ? RooflineSeconds / Seconds : 0;
}
