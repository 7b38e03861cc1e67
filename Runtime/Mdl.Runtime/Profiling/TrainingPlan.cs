using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;
using Mdl.Runtime.Training;

namespace Mdl.Runtime.Profiling;

/// <summary>The launches and the memory of a training step, known before anything is allocated.</summary>
public sealed class TrainingPlan
{
    private const long ElementBytes = sizeof(float);

    // Kernels cut their operands into blocks that fit the caches of a core, and share one block more.
    private const long ScratchBlock = 4 << 20;

    private readonly long[] _offsets;

    /// <summary>Made by generated code.</summary>
    /// <param name="info">The model.</param>
    /// <param name="batch">Sequences in a batch.</param>
    /// <param name="length">Predicted tokens in a sequence.</param>
    /// <param name="threads">Threads of the device.</param>
    /// <param name="metrics">Floats that the program leaves for its caller.</param>
    /// <param name="launches">Forward, then backward.</param>
    /// <param name="buffers">The buffers of the arena.</param>
    public TrainingPlan(ModelInfo info, int batch, int length, int threads, int metrics, IReadOnlyList<LaunchInfo> launches, BufferInfo[] buffers)
    {
        ArgumentNullException.ThrowIfNull(info);
        ArgumentNullException.ThrowIfNull(buffers);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        (Model, Batch, Length, Buffers) = (info.Name, batch, length, buffers);
        Launches = [.. launches, .. TrainerLaunches.Of(info)];
        _offsets = new long[buffers.Length];
        ArenaBytes = Arena.Place(buffers, _offsets);
        WeightBytes = info.TotalSize * ElementBytes;
        GradientBytes = info.TrainableSize * ElementBytes;
        MomentBytes = 2 * GradientBytes;
        ScratchBytes = (threads + 2) * ScratchBlock;
        TokenBytes = (((long)batch * (length + 1L + info.MtpDepth) * (info.IsMasked ? 2 : 1)) + metrics) * ElementBytes;
    }

    /// <summary>The class of the model.</summary>
    public string Model { get; }

    /// <summary>Sequences in a batch.</summary>
    public int Batch { get; }

    /// <summary>Predicted tokens in a sequence.</summary>
    public int Length { get; }

    /// <summary>The launches of a step in order, those of the trainer at the end.</summary>
    public IReadOnlyList<LaunchInfo> Launches { get; }

    /// <summary>The buffers of the arena.</summary>
    public IReadOnlyList<BufferInfo> Buffers { get; }

    /// <summary>Parameters and states.</summary>
    public long WeightBytes { get; }

    /// <summary>Gradients.</summary>
    public long GradientBytes { get; }

    /// <summary>The optimizer's moments.</summary>
    public long MomentBytes { get; }

    /// <summary>Activations, saved values and temporaries.</summary>
    public long ArenaBytes { get; }

    /// <summary>What the threads keep while they run kernels, at most.</summary>
    public long ScratchBytes { get; }

    /// <summary>Tokens, their weights as targets if they have any, and losses.</summary>
    public long TokenBytes { get; }

    /// <summary>All of it.</summary>
    public long TotalBytes => WeightBytes + GradientBytes + MomentBytes + ArenaBytes + ScratchBytes + TokenBytes;

    /// <summary>Where a buffer lies in the arena.</summary>
    public long OffsetOf(int buffer) => _offsets[buffer];
}
