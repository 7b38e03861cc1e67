using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;
using Mdl.Runtime.Training;

namespace Mdl.Benchmarks.Own;

/// <summary>Steps of AdamW on preset Nano of samples/LingNano/ling.mdl, with products in single precision or in bfloat16.</summary>
internal sealed class Training : IDisposable
{
    private const int Batches = 8;
    private readonly LanguageModel _model;
    private readonly Trainer _trainer;
    private readonly int[][] _batches;

    public Training(Device device, int batch, int length, bool isShort)
    {
        _model = isShort ? LingShort.LingNano.Create(device, seed: 1) : Ling.LingNano.Create(device, seed: 1);
        _trainer = _model.CreateTrainer(new TrainingOptions { Batch = batch, Length = length });
        _batches = [.. Enumerable.Range(0, Batches).Select(seed => RandomTokens.Batch(seed, batch, _trainer.TokensPerSequence, _model.Info.Vocabulary))];
    }

    /// <summary>The number of trainable values.</summary>
    public long Parameters => _model.Info.ParameterCount;

    /// <summary>Bytes of weights, activations, gradients and moments.</summary>
    public long MemoryBytes => _trainer.MemoryBytes + (_model.Info.TotalSize * sizeof(float));

    /// <summary>A whole step: forward, backward, clipping, update, and the loss read back.</summary>
    public void Step() => _trainer.Step(_batches[_trainer.StepsDone % Batches]);

    public void Dispose()
    {
        _trainer.Dispose();
        _model.Dispose();
    }
}
