using ILGPU;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Ilgpu.Kernels;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Ilgpu.Programs;

/// <summary>What generated inference programs of an ILGPU device have in common: memory for the caller, the chosen rows, copies.</summary>
public abstract unsafe class IlgpuInferenceProgram : InferenceProgram
{
    private readonly Staging<int> _tokenMemory;
    private readonly Staging<int> _rowMemory;
    private readonly Staging<float> _logitMemory;
    private readonly HashSet<IlgpuBuffer> _weightBuffers = [];
    private readonly WeightStore _store;
    private readonly int _vocabulary;

    /// <summary>Allocates what the caller sees.</summary>
    /// <param name="model">The model; its device must be an ILGPU device.</param>
    /// <param name="slots">Sequences side by side; all take part in every run, with as many tokens at the same positions.</param>
    /// <param name="rows">Most tokens in one run.</param>
    /// <param name="capacity">Most tokens of a sequence in the cache.</param>
    /// <param name="format">How the cache holds its numbers; in single precision.</param>
    protected IlgpuInferenceProgram(LanguageModel model, int slots, int rows, int capacity, CacheFormat format)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        if (format != CacheFormat.Single)
        {
            throw new NotSupportedException($"Programs for {model.Device.Name} keep keys and values in single precision, not as {format}.");
        }

        Team = (IlgpuDevice)model.Device;
        Chunk = (rows + slots - 1) / slots;
        (Slots, Rows, Capacity, _vocabulary) = (slots, slots * Chunk, capacity, model.Info.Vocabulary);
        _tokenMemory = new(Team, Rows);
        _rowMemory = new(Team, Rows);
        _logitMemory = new(Team, (long)Rows * _vocabulary);
        _store = model.Store;
    }

    /// <inheritdoc/>
    public sealed override int Slots { get; }

    /// <inheritdoc/>
    public sealed override int Rows { get; }

    /// <inheritdoc/>
    public sealed override int Capacity { get; }

    /// <inheritdoc/>
    public sealed override CacheFormat CacheFormat => CacheFormat.Single;

    /// <inheritdoc/>
    public sealed override long ArenaBytes => ProgramBytes + _tokenMemory.Bytes + _rowMemory.Bytes + _logitMemory.Bytes;

    /// <inheritdoc/>
    public sealed override int* Tokens => _tokenMemory.Host;

    /// <inheritdoc/>
    public sealed override float* Logits => _logitMemory.Host;

    /// <summary>Most tokens of a sequence in one run.</summary>
    protected int Chunk { get; }

    /// <summary>Bytes of the program's arenas.</summary>
    protected abstract long ProgramBytes { get; }

    /// <summary>The device.</summary>
    protected IlgpuDevice Team { get; }

    /// <summary>Tokens on the device.</summary>
    protected ArrayView<int> DeviceTokens => _tokenMemory.View;

    /// <summary>The rows whose logits are asked for.</summary>
    protected ArrayView<int> DeviceRows => _rowMemory.View;

    /// <summary>The logits that were asked for, one row behind the other.</summary>
    protected ArrayView<float> DeviceLogits => _logitMemory.View;

    /// <inheritdoc/>
    public sealed override void Run(ReadOnlySpan<SequenceRun> runs, bool lastOnly)
    {
        Check(runs);
        var (count, past) = (runs[0].Count, runs[0].Past);
        for (var i = 0; i < runs.Length; i++)
        {
            if (runs.Length != Slots || runs[i] != new SequenceRun(i, past, count))
            {
                throw new NotSupportedException(
                    $"Programs for {Team.Name} run all {Slots} sequences at once, in order, with as many tokens at the same positions.");
            }
        }

        var rows = lastOnly ? Slots : Slots * count;
        for (var row = 0; row < rows; row++)
        {
            _rowMemory.Host[row] = lastOnly ? (row * count) + count - 1 : row;
        }

        foreach (var buffer in _weightBuffers)
        {
            buffer.Read();
        }

        _tokenMemory.ToDevice((long)Slots * count);
        _rowMemory.ToDevice(rows);
        Compute(count, past, rows);
        _logitMemory.ToHost((long)rows * _vocabulary);
    }

    /// <inheritdoc/>
    public sealed override void CopyCache(int from, int to, int count) =>
        throw new NotSupportedException($"Programs for {Team.Name} cannot copy what they have cached.");

    /// <inheritdoc/>
    public sealed override void Dispose()
    {
        Team.Synchronize();
        DisposeArenas();
        _tokenMemory.Dispose();
        _rowMemory.Dispose();
        _logitMemory.Dispose();
    }

    /// <summary>A parameter on the device.</summary>
    /// <param name="parameter">Its index in <see cref="ModelInfo.Parameters"/>.</param>
    protected DeviceWeight At(int parameter)
    {
        var (memory, data, scales, format) = _store.PlaceOf(parameter);
        var buffer = (IlgpuBuffer)memory;
        _weightBuffers.Add(buffer);
        return new(buffer.View.SubView(data / sizeof(float)), buffer.View.SubView(scales / sizeof(float)), format);
    }

    /// <summary>As <see cref="At"/>, for a parameter that is held in single precision in every format: vectors and states.</summary>
    protected ArrayView<float> FloatsAt(int parameter) => At(parameter).Floats;

    /// <summary>Launches the model on the first <paramref name="count"/> tokens and fills <see cref="DeviceLogits"/>.</summary>
    protected abstract void Compute(int count, int past, int rows);

    /// <summary>Frees the program's arenas.</summary>
    protected abstract void DisposeArenas();
}
