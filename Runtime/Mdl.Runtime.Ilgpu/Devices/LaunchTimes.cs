namespace Mdl.Runtime.Ilgpu.Devices;

/// <summary>How often each kernel ran and how long it took altogether, with nothing else at work.</summary>
public sealed class LaunchTimes
{
    private readonly Dictionary<Type, (int Count, TimeSpan Time)> _times = [];

    /// <summary>Kernels by time, longest first.</summary>
    public IEnumerable<(string Kernel, int Count, TimeSpan Time)> Kernels =>
        _times.Select(p => (p.Key.Name, p.Value.Count, p.Value.Time)).OrderByDescending(k => k.Time);

    /// <summary>The sum over all kernels.</summary>
    public TimeSpan Total => TimeSpan.FromTicks(_times.Values.Sum(t => t.Time.Ticks));

    /// <summary>Forgets what was measured so far.</summary>
    public void Clear() => _times.Clear();

    internal void Add(Type kernel, TimeSpan time)
    {
        var (count, total) = _times.GetValueOrDefault(kernel);
        _times[kernel] = (count + 1, total + time);
    }
}
