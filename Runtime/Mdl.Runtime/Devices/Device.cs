using Mdl.Runtime.Profiling;

namespace Mdl.Runtime.Devices;

/// <summary>Where programs run. The host processor is the only device of this assembly.</summary>
public sealed class Device : IDisposable
{
    private static readonly Lazy<Device> DefaultHost = new(() => new Device(Environment.ProcessorCount));

    /// <summary>A host device with its own team of threads and the micro-kernels that the environment asks for.</summary>
    public Device(int threads) : this(threads, KernelModes.FromEnvironment())
    {
    }

    /// <summary>A host device with its own team of threads.</summary>
    public Device(int threads, KernelMode kernels) => Team = new Team(threads, kernels);

    /// <summary>The host processor with one thread per logical processor; shared, never disposed.</summary>
    public static Device Host => DefaultHost.Value;

    /// <summary>The threads that run kernels.</summary>
    public Team Team { get; }

    /// <summary>Takes the time of every launch while it is there; null costs nothing.</summary>
    public Profiler? Profiler { get; set; }

    /// <inheritdoc/>
    public void Dispose() => Team.Dispose();
}
