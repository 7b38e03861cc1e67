using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Diffusion.Networks;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Profiling;

namespace Mdl.Runtime.Ilgpu.Programs;

/// <summary>What generated programs that denoise on an ILGPU device have in common: memory on the device for what the caller sees, and copies.</summary>
public abstract unsafe class IlgpuDenoisingProgram : DenoisingProgram
{
    private readonly int _dimensions;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _samples;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _sigma;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _label;
    private readonly IlgpuBuffer _weightBuffer;

    /// <summary>Allocates what the caller sees.</summary>
    /// <param name="model">The model; its device must be an ILGPU device.</param>
    /// <param name="rows">Most samples in one run.</param>
    /// <param name="pulls">Whether the program computes v' dD/dy too.</param>
    protected IlgpuDenoisingProgram(DiffusionModel model, int rows, bool pulls = false) : base(rows, (model ?? throw new ArgumentNullException(nameof(model))).Dimensions, pulls)
    {
        Team = (IlgpuDevice)model.Device;
        _dimensions = model.Dimensions;
        _samples = Team.Accelerator.Allocate1D<float>((pulls ? 4L : 2L) * rows * _dimensions);
        _sigma = Team.Accelerator.Allocate1D<float>(1);
        _label = Team.Accelerator.Allocate1D<int>(rows);
        _weightBuffer = (IlgpuBuffer)model.WeightBuffer;
    }

    /// <summary>None: times of launches are taken on the host only.</summary>
    public sealed override IReadOnlyList<LaunchInfo> Launches => [];

    /// <summary>The device.</summary>
    protected IlgpuDevice Team { get; }

    /// <summary>Weights on the device.</summary>
    protected ArrayView<float> DeviceWeights => _weightBuffer.View;

    /// <summary>y on the device.</summary>
    protected ArrayView<float> DeviceNoisy => Part(0);

    /// <summary>D(y, sigma) on the device.</summary>
    protected ArrayView<float> DeviceDenoised => Part(1);

    /// <summary>v on the device.</summary>
    protected ArrayView<float> DeviceDirection => Part(2);

    /// <summary>v' dD/dy on the device.</summary>
    protected ArrayView<float> DevicePulled => Part(3);

    /// <summary>sigma on the device.</summary>
    protected ArrayView<float> DeviceSigma => _sigma.View.BaseView;

    /// <summary>Labels on the device.</summary>
    protected ArrayView<int> DeviceLabel => _label.View.BaseView;

    /// <inheritdoc/>
    public sealed override void Run(int rows)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, Rows);
        var numbers = (long)rows * _dimensions;
        DeviceNoisy.SubView(0, numbers).CopyFromCPU(ref *Noisy, numbers);
        DeviceSigma.CopyFromCPU(ref *Sigma, 1);
        DeviceLabel.SubView(0, rows).CopyFromCPU(ref *Label, rows);
        if (Direction != null)
        {
            DeviceDirection.SubView(0, numbers).CopyFromCPU(ref *Direction, numbers);
        }

        _weightBuffer.Read();
        Compute(rows);
        DeviceDenoised.SubView(0, numbers).CopyToCPU(ref *Denoised, numbers);
        if (Direction != null)
        {
            DevicePulled.SubView(0, numbers).CopyToCPU(ref *Pulled, numbers);
        }
    }

    /// <inheritdoc/>
    protected sealed override void DisposeArena()
    {
        Team.Synchronize();
        DisposeArenas();
        _samples.Dispose();
        _sigma.Dispose();
        _label.Dispose();
    }

    /// <summary>Launches the network on the first samples.</summary>
    protected abstract void Compute(int rows);

    /// <summary>Frees the program's arenas.</summary>
    protected abstract void DisposeArenas();

    private ArrayView<float> Part(int part) => _samples.View.BaseView.SubView((long)part * Rows * _dimensions, (long)Rows * _dimensions);
}
