using System.Diagnostics;

namespace Ling.FineTune;

/// <summary>Tokens a second over the steps, and the time left. The first step compiles code and is left out once there is another.</summary>
public sealed class SpeedMeter(int tokensPerStep)
{
    // A mean that forgets: about the last twenty steps count.
    private const double Weight = 0.05;
    private readonly Stopwatch _step = new();
    private double _seconds;
    private int _steps;

    public double TokensPerSecond => tokensPerStep / _seconds;

    public void Begin() => _step.Restart();

    public void End()
    {
        var seconds = _step.Elapsed.TotalSeconds;
        _seconds = _steps++ < 2 ? seconds : _seconds + (Weight * (seconds - _seconds));
    }

    public TimeSpan TimeLeft(long steps) => TimeSpan.FromSeconds(_seconds * steps);
}
