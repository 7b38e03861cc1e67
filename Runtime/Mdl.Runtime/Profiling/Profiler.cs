using System.Diagnostics;

namespace Mdl.Runtime.Profiling;

/// <summary>
/// Takes the time of every launch on the device that it is given to (<see cref="Devices.Device.Profiler"/>). For programs of one thread at a time. Without a
/// profiler a launch costs one comparison with null.
/// </summary>
public sealed class Profiler
{
    private const int FirstEvents = 1 << 12;
    private readonly List<LaunchRecorder> _recorders = [];
    private readonly List<object> _programs = [];
    private readonly int _mostEvents;
    private TraceEvent[] _events = new TraceEvent[FirstEvents];
    private int _count;
    private long _stepStart;
    private long _stepTicks;
    private long _launchTicks;
    private bool _inStep;

    /// <summary>A profiler that has seen nothing.</summary>
    /// <param name="mostEvents">Launches that the trace keeps one by one; the sums go on after it is full.</param>
    public Profiler(int mostEvents = 1 << 20)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(mostEvents);
        _mostEvents = mostEvents;
    }

    /// <summary>Training steps seen.</summary>
    public long Steps { get; private set; }

    internal ReadOnlySpan<TraceEvent> Events => _events.AsSpan(0, _count);

    /// <summary>The recorder of a program, for generated code.</summary>
    /// <param name="program">Tells one program from another.</param>
    /// <param name="name">Its name in reports.</param>
    /// <param name="launches">Its launches for the sizes at hand.</param>
    public LaunchRecorder Enter(object program, string name, IReadOnlyList<LaunchInfo> launches)
    {
        var index = 0;
        while (index < _programs.Count && !ReferenceEquals(_programs[index], program))
        {
            index++;
        }

        if (index == _programs.Count)
        {
            _programs.Add(program);
            _recorders.Add(new(this, name));
        }

        var recorder = _recorders[index];
        recorder.Use(launches);
        return recorder;
    }

    /// <summary>Forgets everything seen, for instance the first step, which compiles code.</summary>
    public void Reset()
    {
        (_count, _stepTicks, _launchTicks, Steps) = (0, 0, 0, 0);
        _recorders.ForEach(r => r.Clear());
    }

    /// <summary>The times so far, beside what the machine could do at best.</summary>
    public ProfileReport Report(Roofline roofline)
    {
        ArgumentNullException.ThrowIfNull(roofline);
        var kernels = _recorders.SelectMany(r => r.Times(roofline)).OrderByDescending(k => k.Seconds).ToList();
        return new(kernels, Steps, _stepTicks / (double)Stopwatch.Frequency, _launchTicks / (double)Stopwatch.Frequency);
    }

    internal void BeginStep()
    {
        _stepStart = Stopwatch.GetTimestamp();
        _inStep = true;
    }

    internal void EndStep()
    {
        var now = Stopwatch.GetTimestamp();
        _stepTicks += now - _stepStart;
        _inStep = false;
        Steps++;
        Keep(new(null, _stepStart, now));
    }

    internal void Add(TraceEvent launch)
    {
        if (_inStep)
        {
            _launchTicks += launch.End - launch.Start;
        }

        Keep(launch);
    }

    private void Keep(TraceEvent trace)
    {
        if (_count == _mostEvents)
        {
            return;
        }

        if (_count == _events.Length)
        {
            Array.Resize(ref _events, (int)Math.Min(2L * _count, _mostEvents));
        }

        _events[_count++] = trace;
    }
}
