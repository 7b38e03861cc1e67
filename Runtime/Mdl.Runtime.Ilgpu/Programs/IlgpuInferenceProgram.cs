using ILGPU;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Ilgpu.Programs;

/// <summary>What generated inference programs of an ILGPU device have in common: memory for the caller, the chosen rows, copies.</summary>
public abstract unsafe class IlgpuInferenceProgram : InferenceProgram
{
    private readonly Staging<int> _tokenMemory;
    private readonly Staging<int> _rowMemory;
    private readonly Staging<float> _logitMemory;
    private readonly IlgpuBuffer _weightBuffer;
    private readonly int _vocabulary;

    /// <summary>Allocates what the caller sees.</summary>
    /// <param name="model">The model; its device must be an ILGPU device.</param>
    /// <param name="batch">Sequences side by side.</param>
    /// <param name="chunk">Most tokens of a sequence in one run.</param>
    /// <param name="capacity">Most tokens of a sequence in the cache.</param>
    protected IlgpuInferenceProgram(LanguageModel model, int batch, int chunk, int capacity)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, chunk);
        Team = (IlgpuDevice)model.Device;
        (Batch, Chunk, Capacity, _vocabulary) = (batch, chunk, capacity, model.Info.Vocabulary);
        _tokenMemory = new(Team, (long)batch * chunk);
        _rowMemory = new(Team, (long)batch * chunk);
        _logitMemory = new(Team, (long)batch * chunk * _vocabulary);
        _weightBuffer = (IlgpuBuffer)model.WeightBuffer;
    }

    /// <inheritdoc/>
    public sealed override int Batch { get; }

    /// <inheritdoc/>
    public sealed override int Chunk { get; }

    /// <inheritdoc/>
    public sealed override int Capacity { get; }

    /// <inheritdoc/>
    public sealed override long ArenaBytes => ProgramBytes + _tokenMemory.Bytes + _rowMemory.Bytes + _logitMemory.Bytes;

    /// <inheritdoc/>
    public sealed override int* Tokens => _tokenMemory.Host;

    /// <inheritdoc/>
    public sealed override float* Logits => _logitMemory.Host;

    /// <summary>Bytes of the program's arenas.</summary>
    protected abstract long ProgramBytes { get; }

    /// <summary>The device.</summary>
    protected IlgpuDevice Team { get; }

    /// <summary>Tokens on the device.</summary>
    protected ArrayView<int> DeviceTokens => _tokenMemory.View;

    /// <summary>The rows whose logits are asked for.</summary>
    protected ArrayView<int> DeviceRows => _rowMemory.View;

    /// <summary>Weights on the device.</summary>
    protected ArrayView<float> DeviceWeights => _weightBuffer.View;

    /// <summary>The logits that were asked for, one row behind the other.</summary>
    protected ArrayView<float> DeviceLogits => _logitMemory.View;

    /// <inheritdoc/>
    public sealed override void Run(int count, int past, bool lastOnly)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Chunk);
        ArgumentOutOfRangeException.ThrowIfNegative(past);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(past, Capacity - count);
        var rows = lastOnly ? Batch : Batch * count;
        for (var row = 0; row < rows; row++)
        {
            _rowMemory.Host[row] = lastOnly ? (row * count) + count - 1 : row;
        }

        _weightBuffer.Read();
        _tokenMemory.ToDevice((long)Batch * count);
        _rowMemory.ToDevice(rows);
        Compute(count, past, rows);
        _logitMemory.ToHost((long)rows * _vocabulary);
    }

    /// <inheritdoc/>
    public sealed override void Dispose()
    {
        Team.Synchronize();
        DisposeArenas();
        _tokenMemory.Dispose();
        _rowMemory.Dispose();
        _logitMemory.Dispose();
    }

    /// <summary>Launches the model on the first <paramref name="count"/> tokens and fills <see cref="DeviceLogits"/>.</summary>
    protected abstract void Compute(int count, int past, int rows);

    /// <summary>Frees the program's arenas.</summary>
    protected abstract void DisposeArenas();
}
