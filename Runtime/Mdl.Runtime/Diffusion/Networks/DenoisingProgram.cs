using Mdl.Runtime.Devices;
using Mdl.Runtime.Profiling;

namespace Mdl.Runtime.Diffusion.Networks;

/// <summary>Computes a network's denoised points for up to a number of samples at a time. Allocates nothing after construction.</summary>
public abstract unsafe class DenoisingProgram : IDisposable
{
    private readonly Arena _caller;

    /// <summary>Allocates what the caller sees.</summary>
    /// <param name="rows">Most samples in one run.</param>
    /// <param name="dimensions">The number of coordinates of a sample.</param>
    /// <param name="pulls">Whether the program computes <see cref="Pulled"/> too.</param>
    protected DenoisingProgram(int rows, int dimensions, bool pulls = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        Rows = rows;
        _caller = new Arena(4L * ((rows * (((pulls ? 4L : 2L) * dimensions) + 1)) + 1));
        Noisy = (float*)_caller.Memory;
        Denoised = Noisy + ((long)rows * dimensions);
        Sigma = Denoised + ((long)rows * dimensions);
        Label = (int*)(Sigma + 1);
        Direction = pulls ? (float*)(Label + rows) : null;
        Pulled = pulls ? Direction + ((long)rows * dimensions) : null;
    }

    /// <summary>Most samples in one run.</summary>
    public int Rows { get; }

    /// <summary>Where the caller puts y = x0 + sigma z, [rows, d].</summary>
    public float* Noisy { get; }

    /// <summary>D(y, sigma) after a run, [rows, d].</summary>
    public float* Denoised { get; }

    /// <summary>Where the caller puts sigma, one number for all samples.</summary>
    public float* Sigma { get; }

    /// <summary>Where the caller puts the class of each sample, if the network has a condition.</summary>
    public int* Label { get; }

    /// <summary>Where the caller puts v, [rows, d]; null in a program that only denoises.</summary>
    public float* Direction { get; }

    /// <summary>v' dD/dy after a run, [rows, d]; null in a program that only denoises.</summary>
    public float* Pulled { get; }

    /// <summary>The launches of a run and their costs, for the sizes at hand.</summary>
    public abstract IReadOnlyList<LaunchInfo> Launches { get; }

    /// <summary>Computes <see cref="Denoised"/> of the first samples.</summary>
    /// <param name="rows">How many, at most <see cref="Rows"/>.</param>
    public abstract void Run(int rows);

    /// <inheritdoc/>
    public void Dispose()
    {
        DisposeArena();
        _caller.Dispose();
    }

    /// <summary>Frees the program's own memory.</summary>
    protected abstract void DisposeArena();
}

/// <summary>Computes the loss of a denoiser and its gradient for one batch size. Allocates nothing after construction.</summary>
public abstract unsafe class DenoisingTraining : IDisposable
{
    private readonly Arena _caller;

    /// <summary>Allocates what the caller sees.</summary>
    /// <param name="batch">Samples in a batch.</param>
    /// <param name="dimensions">The number of coordinates of a sample.</param>
    /// <param name="gradients">Floats of gradients.</param>
    /// <param name="metrics">Floats of metrics.</param>
    protected DenoisingTraining(int batch, int dimensions, long gradients, int metrics)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        (Batch, MetricCount) = (batch, metrics);
        var numbers = (((long)batch * dimensions) + 15) / 16 * 16;
        _caller = new Arena(4L * (gradients + (2 * numbers) + (2L * batch) + metrics));
        Gradients = (float*)_caller.Memory;
        Clean = Gradients + gradients;
        Noise = Clean + numbers;
        Sigma = Noise + numbers;
        Label = (int*)(Sigma + batch);
        MetricMemory = (float*)(Label + batch);
    }

    /// <summary>Samples in a batch.</summary>
    public int Batch { get; }

    /// <summary>Where the caller puts x0, [Batch, d].</summary>
    public float* Clean { get; }

    /// <summary>Where the caller puts z, standard normal, [Batch, d].</summary>
    public float* Noise { get; }

    /// <summary>Where the caller puts sigma of each sample.</summary>
    public float* Sigma { get; }

    /// <summary>Where the caller puts the class of each sample, if the network has a condition.</summary>
    public int* Label { get; }

    /// <summary>The gradient of the loss, laid out as the trainable part of the weights; padding stays zero.</summary>
    public float* Gradients { get; }

    /// <summary>Loss parts and expert loads after <see cref="Forward"/>.</summary>
    public ReadOnlySpan<float> Metrics => new(MetricMemory, MetricCount);

    /// <summary>The launches of a step and their costs.</summary>
    public abstract IReadOnlyList<LaunchInfo> Launches { get; }

    /// <summary>Bytes of activations, gradients and the caller's memory.</summary>
    public long Bytes => ProgramBytes + _caller.Bytes;

    /// <summary>Bytes of the program's own memory.</summary>
    protected abstract long ProgramBytes { get; }

    /// <summary>Where metrics go.</summary>
    protected float* MetricMemory { get; }

    private int MetricCount { get; }

    /// <summary>Computes the metrics.</summary>
    public abstract void Forward();

    /// <summary>Overwrites <see cref="Gradients"/>; call after <see cref="Forward"/>.</summary>
    public abstract void Backward();

    /// <summary>Writes the next values of the states, such as a router's bias, into the weights.</summary>
    public abstract void CommitStates();

    /// <inheritdoc/>
    public void Dispose()
    {
        DisposeArena();
        _caller.Dispose();
    }

    /// <summary>Frees the program's own memory.</summary>
    protected abstract void DisposeArena();
}
