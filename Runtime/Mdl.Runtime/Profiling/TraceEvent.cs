namespace Mdl.Runtime.Profiling;

/// <summary>Something that took time.</summary>
/// <param name="Launch">The launch; null for a whole training step.</param>
/// <param name="Start">Ticks of the stopwatch.</param>
/// <param name="End">Ticks of the stopwatch.</param>
internal readonly record struct TraceEvent(LaunchInfo? Launch, long Start, long End)
{
    public long Ticks => End - Start;
}
