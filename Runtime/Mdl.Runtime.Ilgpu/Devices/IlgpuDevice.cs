using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Diffusion.Kernel;
using Mdl.Runtime.Ilgpu.Kernels;

namespace Mdl.Runtime.Ilgpu.Devices;

/// <summary>
/// A device that ILGPU reaches. Kernels are compiled when they first run; launches are put in order in one stream, so that only copies to the host wait
/// for them.
/// </summary>
public sealed class IlgpuDevice : Mdl.Runtime.Devices.Device
{
    /// <summary>Threads of a group, in every kernel: the sizes of shared memory follow from it.</summary>
    public const int GroupSize = 64;

    private readonly Context _context;
    private readonly Dictionary<Type, Delegate> _launchers = [];
    private MemoryBuffer1D<float, Stride1D.Dense>? _scratch;
    private LaunchTimes? _times;

    /// <summary>A device on an accelerator of <paramref name="context"/>; both belong to it from now on.</summary>
    /// <exception cref="NotSupportedException">The accelerator's groups have fewer than <see cref="GroupSize"/> threads.</exception>
    public IlgpuDevice(Context context, Accelerator accelerator)
        : base(Host.Team)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(accelerator);
        if (accelerator.MaxNumThreadsPerGroup < GroupSize)
        {
            throw new NotSupportedException($"{accelerator.Name} runs {accelerator.MaxNumThreadsPerGroup} threads in a group; kernels need {GroupSize}.");
        }

        (_context, Accelerator) = (context, accelerator);
    }

    /// <summary>The name that the driver gives the device.</summary>
    public override string Name => Accelerator.Name;

    /// <inheritdoc/>
    public override string Backend => "Mdl.Runtime.Ilgpu";

    /// <summary>The ILGPU accelerator.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>The argument types of the kernels that have run, which stand for the kernels.</summary>
    public IReadOnlyCollection<Type> Kernels => _launchers.Keys;

    /// <inheritdoc/>
    public override DeviceBuffer Allocate(long floats) => new IlgpuBuffer(this, floats);

    /// <inheritdoc/>
    public override DeviceKernelSums CreateKernelSums(ReadOnlySpan<float> columns, int dimensions) => new KernelScoreSums(this, columns, dimensions);

    /// <summary>Measures each kernel from now on, which makes launches wait for each other.</summary>
    public LaunchTimes MeasureLaunches() => _times = new();

    /// <summary>Waits for everything that was launched.</summary>
    public void Synchronize() => Accelerator.Synchronize();

    /// <summary>
    /// Whether products are compiled for the sizes of the model that they are of, rather than once for all sizes; then more kernels are compiled when they first run.
    /// </summary>
    public bool SpecializesProducts { get; set; } = true;

    /// <summary>Runs a kernel with groups of <see cref="GroupSize"/> threads; no groups, no launch.</summary>
    /// <typeparam name="T">The kernel's arguments; each kernel has its own type.</typeparam>
    public void Launch<T>(Action<T> kernel, long groups, T arguments)
        where T : struct
    {
        if (groups > 0)
        {
            var run = (Action<KernelConfig, T>)(_launchers.GetValueOrDefault(typeof(T)) ?? (_launchers[typeof(T)] = Accelerator.LoadStreamKernel(kernel)));
            var start = Begin();
            run(Config(groups), arguments);
            End(typeof(T), start);
        }
    }

    /// <summary>As above, for a kernel that is compiled anew for each value of what is known of its sizes.</summary>
    internal void Launch<T, TSizes>(Action<T, SpecializedValue<TSizes>> kernel, long groups, T arguments, TSizes sizes)
        where T : struct
        where TSizes : unmanaged, IEquatable<TSizes>
    {
        if (groups > 0)
        {
            var run = (Action<KernelConfig, T, SpecializedValue<TSizes>>)(_launchers.GetValueOrDefault(typeof(T)) ?? (_launchers[typeof(T)] = Accelerator.LoadStreamKernel(kernel)));
            var start = Begin();
            run(Config(groups), arguments, SpecializedValue.New(sizes));
            End(typeof(T), start);
        }
    }

    /// <summary>Runs a kernel with at least <paramref name="threads"/> threads.</summary>
    public void LaunchThreads<T>(Action<T> kernel, long threads, T arguments)
        where T : struct => Launch(kernel, (threads + GroupSize - 1) / GroupSize, arguments);

    /// <summary>As above, with what the kernel is compiled for.</summary>
    internal void LaunchThreads<T, TSizes>(Action<T, SpecializedValue<TSizes>> kernel, long threads, T arguments, TSizes sizes)
        where T : struct
        where TSizes : unmanaged, IEquatable<TSizes> => Launch(kernel, (threads + GroupSize - 1) / GroupSize, arguments, sizes);

    /// <summary>Memory that a kernel's launches may use until the next call.</summary>
    internal ArrayView<float> Scratch(long floats)
    {
        if (_scratch is null || _scratch.Length < floats)
        {
            Synchronize();
            _scratch?.Dispose();
            _scratch = Accelerator.Allocate1D<float>(Math.Max(floats, 1 << 12));
        }

        return _scratch.View;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _scratch?.Dispose();
            Accelerator.Dispose();
            _context.Dispose();
        }

        base.Dispose(disposing);
    }

    private static KernelConfig Config(long groups) => new(checked((int)groups), GroupSize);

    private long Begin()
    {
        if (_times is null)
        {
            return 0;
        }

        Synchronize();
        return System.Diagnostics.Stopwatch.GetTimestamp();
    }

    private void End(Type kernel, long start)
    {
        if (_times is not null)
        {
            Synchronize();
            _times.Add(kernel, System.Diagnostics.Stopwatch.GetElapsedTime(start));
        }
    }
}
