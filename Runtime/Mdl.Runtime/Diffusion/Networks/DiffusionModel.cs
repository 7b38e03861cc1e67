using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Diffusion.Networks;

/// <summary>The base of generated classes of learned scores: the weights of a network, and the denoiser D(y, sigma) = E[x0 | y] that they make.</summary>
public abstract unsafe class DiffusionModel : IDifferentiableDenoiser<float>, IDisposable
{
    // Activations of this many samples exist at a time.
    private const int MostRows = 4096;
    private DenoisingProgram? _program;
    private DenoisingProgram? _pullback;

    /// <summary>Allocates the weights, all zero.</summary>
    /// <param name="device">Where the model runs.</param>
    /// <param name="info">Parameters, metrics and training settings.</param>
    /// <param name="diffusion">What is known of the samples.</param>
    /// <param name="backend">The <see cref="Devices.Device.Backend"/> that the model has programs for beside those for the host, if any.</param>
    /// <exception cref="NotSupportedException">The model has no programs for the device.</exception>
    protected DiffusionModel(Device device, ModelInfo info, DiffusionInfo diffusion, string? backend = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(info);
        if (device.Backend is { } needed && needed != backend)
        {
            throw new NotSupportedException(
                $"{info.Name} has no programs for the device {device.Name}: it was compiled without a reference to {needed}. "
                + $"Reference the package {needed} in the project that holds the .mdl file of {info.Name}, and rebuild it.");
        }

        (Device, Info, Diffusion) = (device, info, diffusion);
        Store = new WeightStore(device, info, WeightFormat.Single);
    }

    /// <summary>Where the model runs.</summary>
    public Device Device { get; }

    /// <summary>Parameters, metrics and training settings.</summary>
    public ModelInfo Info { get; }

    /// <summary>What is known of the samples.</summary>
    public DiffusionInfo Diffusion { get; }

    /// <inheritdoc/>
    public int Dimensions => Diffusion.Dimensions;

    /// <summary>The weight memory: <see cref="ModelInfo.TotalSize"/> floats.</summary>
    public DeviceBuffer WeightBuffer => Store.Floats!;

    /// <summary>The weights as the host sees them. On a device with memory of its own, read it again after each run: see <see cref="DeviceBuffer.Host"/>.</summary>
    public float* Weights => WeightBuffer.Host;

    internal WeightStore Store { get; }

    /// <summary>Gives every parameter and state its first value; it depends on the seed and the paths only.</summary>
    public void Initialize(ulong seed)
    {
        for (var parameter = 0; parameter < Info.Parameters.Count; parameter++)
        {
            WeightInitializer.Run(Device, Info, Store, parameter, seed);
        }
    }

    /// <summary>One instance of a parameter or state.</summary>
    /// <param name="parameter">Its index in <see cref="ModelInfo.Parameters"/>.</param>
    /// <param name="instance">Which repetition; 0 if it is not repeated.</param>
    public Tensor GetTensor(int parameter, int instance = 0)
    {
        var info = Info.Parameters[parameter];
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)instance, (uint)info.Instances, nameof(instance));
        return new Tensor(Weights + info.Offset + (instance * info.InstanceSize), info.Shape);
    }

    /// <summary>D(y, sigma); with a condition, of samples of no class.</summary>
    public void Denoise(ReadOnlySpan<float> y, double sigma, Span<float> denoised) => Denoise(y, sigma, [], denoised);

    /// <summary>D(y, sigma) of samples of given classes.</summary>
    /// <param name="y">[N, d].</param>
    /// <param name="sigma">Above 0.</param>
    /// <param name="labels">The class of each sample, 0 to Classes - 1, or Classes for none; empty for none at all.</param>
    /// <param name="denoised">[N, d].</param>
    /// <exception cref="ArgumentException">Lengths or labels that do not fit.</exception>
    public void Denoise(ReadOnlySpan<float> y, double sigma, ReadOnlySpan<int> labels, Span<float> denoised)
    {
        var count = Check(y, sigma, labels, denoised);
        var most = Math.Min(count, MostRows);
        if (_program is null || _program.Rows < most)
        {
            _program?.Dispose();
            _program = CreateProgram(most);
        }

        for (var first = 0; first < count; first += most)
        {
            Run(_program, y, sigma, labels, denoised, first, Math.Min(most, count - first));
        }
    }

    /// <summary>D(y, sigma) and v' dD/dy; with a condition, of samples of no class. Where the source says <c>stop(..)</c>, no derivative passes.</summary>
    public void Pull(ReadOnlySpan<float> y, double sigma, ReadOnlySpan<float> direction, Span<float> denoised, Span<float> pulled) =>
        Pull(y, sigma, [], direction, denoised, pulled);

    /// <summary>D(y, sigma) and v' dD/dy of samples of given classes.</summary>
    /// <param name="y">[N, d].</param>
    /// <param name="sigma">Above 0.</param>
    /// <param name="labels">The class of each sample, as in <see cref="Denoise(ReadOnlySpan{float}, double, ReadOnlySpan{int}, Span{float})"/>.</param>
    /// <param name="direction">v, [N, d].</param>
    /// <param name="denoised">[N, d].</param>
    /// <param name="pulled">[N, d].</param>
    /// <exception cref="ArgumentException">Lengths or labels that do not fit.</exception>
    public void Pull(ReadOnlySpan<float> y, double sigma, ReadOnlySpan<int> labels, ReadOnlySpan<float> direction, Span<float> denoised, Span<float> pulled)
    {
        var count = Check(y, sigma, labels, denoised);
        if (direction.Length != y.Length || pulled.Length != y.Length)
        {
            throw new ArgumentException($"{y.Length} numbers need as many of a direction and of results, not {direction.Length} and {pulled.Length}.", nameof(direction));
        }

        var most = Math.Min(count, MostRows);
        if (_pullback is null || _pullback.Rows < most)
        {
            _pullback?.Dispose();
            _pullback = CreatePullback(most);
        }

        for (var first = 0; first < count; first += most)
        {
            var rows = Math.Min(most, count - first);
            direction.Slice(first * Dimensions, rows * Dimensions).CopyTo(new Span<float>(_pullback.Direction, rows * Dimensions));
            Run(_pullback, y, sigma, labels, denoised, first, rows);
            new ReadOnlySpan<float>(_pullback.Pulled, rows * Dimensions).CopyTo(pulled.Slice(first * Dimensions, rows * Dimensions));
        }
    }

    private int Check(ReadOnlySpan<float> y, double sigma, ReadOnlySpan<int> labels, ReadOnlySpan<float> denoised)
    {
        var count = y.Length / Dimensions;
        if (y.Length % Dimensions != 0 || denoised.Length != y.Length)
        {
            throw new ArgumentException($"{y.Length} numbers and {denoised.Length} results are not samples of {Dimensions} coordinates.", nameof(y));
        }

        if (!(sigma > 0 && double.IsFinite(sigma)))
        {
            throw new ArgumentOutOfRangeException(nameof(sigma), sigma, "Sigma must be above 0 and finite.");
        }

        Labels.Check(this, labels, count);
        return count;
    }

    private void Run(DenoisingProgram program, ReadOnlySpan<float> y, double sigma, ReadOnlySpan<int> labels, Span<float> denoised, int first, int rows)
    {
        *program.Sigma = (float)sigma;
        if (labels.IsEmpty)
        {
            new Span<int>(program.Label, rows).Fill(Diffusion.Classes);
        }
        else
        {
            labels.Slice(first, rows).CopyTo(new Span<int>(program.Label, rows));
        }

        y.Slice(first * Dimensions, rows * Dimensions).CopyTo(new Span<float>(program.Noisy, rows * Dimensions));
        program.Run(rows);
        new ReadOnlySpan<float>(program.Denoised, rows * Dimensions).CopyTo(denoised.Slice(first * Dimensions, rows * Dimensions));
    }

    /// <summary>A program that denoises.</summary>
    /// <param name="rows">Most samples in one run.</param>
    public abstract DenoisingProgram CreateProgram(int rows);

    /// <summary>A program that denoises and computes v' dD/dy.</summary>
    /// <param name="rows">Most samples in one run.</param>
    public abstract DenoisingProgram CreatePullback(int rows);

    /// <summary>A program that computes losses and gradients of batches of one size.</summary>
    /// <param name="batch">Samples in a batch.</param>
    public abstract DenoisingTraining CreateTraining(int batch);

    /// <summary>Writes the weights to a safetensors file, atomically.</summary>
    public void Save(string path)
    {
        var writer = new SafetensorsWriter();
        writer.SetMetadata(Checkpoint.ModelKey, Info.Name);
        Tensors("").AddTo(writer);
        writer.Save(path);
    }

    /// <summary>Reads the weights from a file of <see cref="Save"/> or of a trainer. Nothing is overwritten unless the whole fits.</summary>
    /// <exception cref="SafetensorsException">The file is damaged or belongs to another model.</exception>
    public void LoadWeights(string path)
    {
        using var file = SafetensorsFile.Open(path);
        Tensors("").Fill(file, Info.Name, name => name.StartsWith(Checkpoint.OptimizerPrefix, StringComparison.Ordinal));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _program?.Dispose();
        _pullback?.Dispose();
        Store.Dispose();
        GC.SuppressFinalize(this);
    }

    internal TensorSet Tensors(string prefix)
    {
        var tensors = new TensorSet();
        tensors.Add(prefix, Info.Parameters, Weights);
        return tensors;
    }
}
