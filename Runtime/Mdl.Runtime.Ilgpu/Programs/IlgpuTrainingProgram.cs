using ILGPU;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Kernels;
using Mdl.Runtime.Models;
using Optimizer = Mdl.Runtime.Ilgpu.Kernels.Optimizer;

namespace Mdl.Runtime.Ilgpu.Programs;

/// <summary>What generated training programs of an ILGPU device have in common: memory for the caller, copies, the optimizer.</summary>
public abstract unsafe class IlgpuTrainingProgram : TrainingProgram
{
    private readonly Staging<int> _tokenMemory;
    private readonly Staging<float>? _targetWeightMemory;
    private readonly Staging<float> _metricMemory;
    private readonly IlgpuBuffer _gradientBuffer;
    private readonly IlgpuBuffer _weightBuffer;
    private readonly long _tokenCount;
    private readonly int _metricCount;

    /// <summary>Allocates what the caller sees.</summary>
    /// <param name="model">The model; its device must be an ILGPU device.</param>
    /// <param name="batch">Sequences in a batch.</param>
    /// <param name="length">Predicted tokens in a sequence.</param>
    /// <param name="metricCount">Floats of metrics.</param>
    /// <param name="isMasked">Whether the loss weighs its targets.</param>
    protected IlgpuTrainingProgram(LanguageModel model, int batch, int length, int metricCount, bool isMasked = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        Team = (IlgpuDevice)model.Device;
        (Batch, Length, _metricCount) = (batch, length, metricCount);
        _tokenCount = (long)batch * (length + 1L + model.Info.MtpDepth);
        _tokenMemory = new(Team, _tokenCount);
        _targetWeightMemory = isMasked ? new(Team, _tokenCount) : null;
        _metricMemory = new(Team, metricCount);
        _gradientBuffer = (IlgpuBuffer)Team.Allocate(model.Info.TrainableSize);
        _weightBuffer = (IlgpuBuffer)model.WeightBuffer;
    }

    /// <inheritdoc/>
    public sealed override int Batch { get; }

    /// <inheritdoc/>
    public sealed override int Length { get; }

    /// <inheritdoc/>
    public sealed override long ArenaBytes => ProgramBytes + _tokenMemory.Bytes + (_targetWeightMemory?.Bytes ?? 0) + _metricMemory.Bytes + _gradientBuffer.Bytes;

    /// <inheritdoc/>
    public sealed override int* Tokens => _tokenMemory.Host;

    /// <inheritdoc/>
    public sealed override float* TargetWeights => _targetWeightMemory is { } memory ? memory.Host : null;

    /// <inheritdoc/>
    public sealed override float* Gradients => _gradientBuffer.Host;

    /// <inheritdoc/>
    public sealed override ReadOnlySpan<float> Metrics => new(_metricMemory.Host, _metricCount);

    /// <summary>Bytes of the program's arenas.</summary>
    protected abstract long ProgramBytes { get; }

    /// <summary>The device.</summary>
    protected IlgpuDevice Team { get; }

    /// <summary>Tokens on the device.</summary>
    protected ArrayView<int> DeviceTokens => _tokenMemory.View;

    /// <summary>Weights of the targets on the device, if the loss weighs them.</summary>
    protected ArrayView<float> DeviceTargetWeights => _targetWeightMemory!.View;

    /// <summary>Metrics on the device.</summary>
    protected ArrayView<float> DeviceMetrics => _metricMemory.View;

    /// <summary>Gradients on the device.</summary>
    protected ArrayView<float> DeviceGradients => _gradientBuffer.View;

    /// <summary>Weights on the device.</summary>
    protected ArrayView<float> DeviceWeights => _weightBuffer.View;

    /// <inheritdoc/>
    public sealed override void Forward()
    {
        _tokenMemory.ToDevice(_tokenCount);
        _targetWeightMemory?.ToDevice(_tokenCount);
        _weightBuffer.Read();
        ComputeForward();
        _metricMemory.ToHost(_metricCount);
    }

    /// <inheritdoc/>
    public sealed override void Backward()
    {
        _weightBuffer.Read();
        _gradientBuffer.Write();
        ComputeBackward();
    }

    /// <inheritdoc/>
    public sealed override void CommitStates()
    {
        _weightBuffer.Write();
        CopyStates();
    }

    /// <inheritdoc/>
    public sealed override double SquaredGradientNorm(LanguageModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Optimizer.SquaredNorm(Team, _gradientBuffer.Read(), model.Info.TrainableSize);
    }

    /// <inheritdoc/>
    public sealed override void Update(LanguageModel model, DeviceBuffer moments, long begin, long count, in AdamWStep step)
    {
        ArgumentNullException.ThrowIfNull(model);
        var both = ((IlgpuBuffer)moments).Write();
        Optimizer.AdamW(Team, _weightBuffer.Write(), _gradientBuffer.Read(), both, both.SubView(model.Info.TrainableSize), begin, count, step);
    }

    /// <inheritdoc/>
    public sealed override void Dispose()
    {
        Team.Synchronize();
        DisposeArenas();
        _tokenMemory.Dispose();
        _targetWeightMemory?.Dispose();
        _metricMemory.Dispose();
        _gradientBuffer.Dispose();
    }

    /// <summary>Launches the forward part.</summary>
    protected abstract void ComputeForward();

    /// <summary>Launches the backward part.</summary>
    protected abstract void ComputeBackward();

    /// <summary>Copies the next values of the states into the weights.</summary>
    protected abstract void CopyStates();

    /// <summary>Frees the program's arenas.</summary>
    protected abstract void DisposeArenas();
}
