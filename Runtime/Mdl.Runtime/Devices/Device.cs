using Mdl.Runtime.Diffusion.Kernel;
using Mdl.Runtime.Profiling;

namespace Mdl.Runtime.Devices;

/// <summary>Where programs run: the host processor, or a device with memory of its own that another assembly adds.</summary>
public class Device : IDisposable
{
    private static readonly Lazy<Device> DefaultHost = new(() => new Device(Environment.ProcessorCount));
    private readonly bool _ownsTeam;

    /// <summary>A host device with its own team of threads and the micro-kernels that the environment asks for.</summary>
    public Device(int threads) : this(threads, KernelModes.FromEnvironment())
    {
    }

    /// <summary>A host device with its own team of threads.</summary>
    public Device(int threads, KernelMode kernels) => (Team, _ownsTeam) = (new Team(threads, kernels), true);

    /// <summary>A device that uses another's threads for what the host has to do.</summary>
    protected Device(Team team) => Team = team;

    /// <summary>The host processor with one thread per logical processor; shared, never disposed.</summary>
    public static Device Host => DefaultHost.Value;

    /// <summary>What messages call the device.</summary>
    public virtual string Name => "host processor";

    /// <summary>
    /// The assembly that a project must reference for its models to have programs for this device; null for the host, for which all models have them.
    /// </summary>
    public virtual string? Backend => null;

    /// <summary>The threads that run kernels on the host.</summary>
    public Team Team { get; }

    /// <summary>Takes the time of every launch while it is there; null costs nothing.</summary>
    public Profiler? Profiler { get; set; }

    /// <summary>Memory for floats that both the host and programs of this device work on; all zero.</summary>
    /// <exception cref="InsufficientMemoryException">The machine has less.</exception>
    public virtual DeviceBuffer Allocate(long floats) => new HostBuffer(floats);

    /// <summary>Puts the data of a kernel estimate into the device's memory; null where the host computes.</summary>
    /// <param name="columns">[d, n].</param>
    /// <param name="dimensions">d.</param>
    public virtual DeviceKernelSums? CreateKernelSums(ReadOnlySpan<float> columns, int dimensions) => null;

    /// <summary>Frees the device. Models and programs on it must be disposed before.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the device holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing && _ownsTeam)
        {
            Team.Dispose();
        }
    }
}
