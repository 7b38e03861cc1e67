using System.Diagnostics;

namespace Mdl.Runtime.Profiling;

/// <summary>Takes the times of one program's launches. Generated code calls <see cref="Begin"/> before each launch and <see cref="End"/> after the last.</summary>
public sealed class LaunchRecorder
{
    private readonly Profiler _profiler;
    private long[] _ticks = [];
    private long[] _calls = [];
    private double[] _flops = [];
    private double[] _bytes = [];
    private int _open = -1;
    private long _start;

    internal LaunchRecorder(Profiler profiler, string program)
    {
        _profiler = profiler;
        Program = program;
    }

    internal string Program { get; }

    internal IReadOnlyList<LaunchInfo> Launches { get; private set; } = [];

    /// <summary>Launch number <paramref name="launch"/> of the program begins, and the one before it has ended.</summary>
    public void Begin(int launch)
    {
        var now = Stopwatch.GetTimestamp();
        Close(now);
        _open = launch;
        _start = now;
    }

    /// <summary>The last launch has ended.</summary>
    public void End() => Close(Stopwatch.GetTimestamp());

    /// <summary>The launches for the sizes at hand; the numbers of earlier sizes stay in the sums.</summary>
    internal void Use(IReadOnlyList<LaunchInfo> launches)
    {
        // A run that ended with an exception leaves a launch open.
        _open = -1;
        if (ReferenceEquals(launches, Launches))
        {
            return;
        }

        if (launches.Count != _ticks.Length)
        {
            Array.Resize(ref _ticks, launches.Count);
            Array.Resize(ref _calls, launches.Count);
            Array.Resize(ref _flops, launches.Count);
            Array.Resize(ref _bytes, launches.Count);
        }

        Launches = launches;
    }

    internal void Clear()
    {
        _open = -1;
        Array.Clear(_ticks);
        Array.Clear(_calls);
        Array.Clear(_flops);
        Array.Clear(_bytes);
    }

    internal IEnumerable<KernelTime> Times(Roofline roofline)
    {
        for (var i = 0; i < Launches.Count; i++)
        {
            if (_calls[i] > 0)
            {
                var seconds = _ticks[i] / (double)Stopwatch.Frequency;
                yield return new(Program, Launches[i], _calls[i], seconds, _flops[i], _bytes[i], roofline.Seconds(_flops[i], _bytes[i], Launches[i].Format));
            }
        }
    }

    private void Close(long now)
    {
        if (_open < 0)
        {
            return;
        }

        var info = Launches[_open];
        _ticks[_open] += now - _start;
        _calls[_open]++;
        _flops[_open] += info.Flops;
        _bytes[_open] += info.Bytes;
        _profiler.Add(new(info, _start, now));
        _open = -1;
    }
}
