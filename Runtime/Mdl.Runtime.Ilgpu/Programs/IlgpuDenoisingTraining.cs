using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Diffusion.Networks;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Profiling;

namespace Mdl.Runtime.Ilgpu.Programs;

/// <summary>
/// What generated programs that train a denoiser on an ILGPU device have in common: memory on the device for what the caller sees, and copies. Gradients go to the
/// host, which updates and averages the weights.
/// </summary>
public abstract unsafe class IlgpuDenoisingTraining : DenoisingTraining
{
    private readonly int _dimensions;
    private readonly long _gradientCount;
    private readonly int _metricCount;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _samples;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _results;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _label;
    private readonly IlgpuBuffer _weightBuffer;

    /// <summary>Allocates what the caller sees.</summary>
    /// <param name="model">The model; its device must be an ILGPU device.</param>
    /// <param name="batch">Samples in a batch.</param>
    /// <param name="metrics">Floats of metrics.</param>
    protected IlgpuDenoisingTraining(DiffusionModel model, int batch, int metrics)
        : base(batch, (model ?? throw new ArgumentNullException(nameof(model))).Dimensions, model.Info.TrainableSize, metrics)
    {
        Team = (IlgpuDevice)model.Device;
        (_dimensions, _gradientCount, _metricCount) = (model.Dimensions, model.Info.TrainableSize, metrics);
        _samples = Team.Accelerator.Allocate1D<float>(batch * ((2L * _dimensions) + 1));
        _results = Team.Accelerator.Allocate1D<float>(_gradientCount + metrics);
        _label = Team.Accelerator.Allocate1D<int>(batch);
        _results.MemSetToZero();
        _weightBuffer = (IlgpuBuffer)model.WeightBuffer;
    }

    /// <summary>None: times of launches are taken on the host only.</summary>
    public sealed override IReadOnlyList<LaunchInfo> Launches => [];

    /// <inheritdoc/>
    protected sealed override long ProgramBytes => ArenaBytes + _samples.LengthInBytes + _results.LengthInBytes + _label.LengthInBytes;

    /// <summary>Bytes of the program's arenas.</summary>
    protected abstract long ArenaBytes { get; }

    /// <summary>The device.</summary>
    protected IlgpuDevice Team { get; }

    /// <summary>Weights on the device.</summary>
    protected ArrayView<float> DeviceWeights => _weightBuffer.View;

    /// <summary>Gradients on the device.</summary>
    protected ArrayView<float> DeviceGradients => _results.View.BaseView.SubView(0, _gradientCount);

    /// <summary>Metrics on the device.</summary>
    protected ArrayView<float> DeviceMetrics => _results.View.BaseView.SubView(_gradientCount, _metricCount);

    /// <summary>x0 on the device.</summary>
    protected ArrayView<float> DeviceClean => _samples.View.BaseView.SubView(0, Numbers);

    /// <summary>z on the device.</summary>
    protected ArrayView<float> DeviceNoise => _samples.View.BaseView.SubView(Numbers, Numbers);

    /// <summary>sigma of each sample on the device.</summary>
    protected ArrayView<float> DeviceSigma => _samples.View.BaseView.SubView(2 * Numbers, Batch);

    /// <summary>Labels on the device.</summary>
    protected ArrayView<int> DeviceLabel => _label.View.BaseView;

    private long Numbers => (long)Batch * _dimensions;

    /// <inheritdoc/>
    public sealed override void Forward()
    {
        DeviceClean.CopyFromCPU(ref *Clean, Numbers);
        DeviceNoise.CopyFromCPU(ref *Noise, Numbers);
        DeviceSigma.CopyFromCPU(ref *Sigma, Batch);
        DeviceLabel.CopyFromCPU(ref *Label, Batch);
        _weightBuffer.Read();
        ComputeForward();
        DeviceMetrics.CopyToCPU(ref *MetricMemory, _metricCount);
    }

    /// <inheritdoc/>
    public sealed override void Backward()
    {
        _weightBuffer.Read();
        ComputeBackward();
        DeviceGradients.CopyToCPU(ref *Gradients, _gradientCount);
    }

    /// <inheritdoc/>
    public sealed override void CommitStates()
    {
        _weightBuffer.Write();
        CopyStates();
    }

    /// <inheritdoc/>
    protected sealed override void DisposeArena()
    {
        Team.Synchronize();
        DisposeArenas();
        _samples.Dispose();
        _results.Dispose();
        _label.Dispose();
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
