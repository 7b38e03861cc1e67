using Mdl.Benchmarks.Libtorch.Model;
using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks.Libtorch;

/// <summary>Steps of AdamW on preset Nano of samples/LingNano/ling.mdl.</summary>
internal sealed class Training : IDisposable
{
    private readonly int _batch;
    private readonly int _length;
    private readonly Ling _model;
    private readonly optim.Optimizer _optimizer;
    private int _steps;

    public Training(int batch, int length, ScalarType type)
    {
        (_batch, _length) = (batch, length);
        _model = new Ling(LingSizes.Nano);
        _model.to(type);
        _optimizer = optim.AdamW(_model.parameters(), lr: 3.36e-4, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1);
    }

    /// <summary>The number of trainable values.</summary>
    public long Parameters => _model.parameters().Sum(p => p.numel());

    /// <summary>A whole step: batch, forward, backward, clipping, update, and the loss read back.</summary>
    public void Step()
    {
        using var scope = NewDisposeScope();
        var tokens = RandomTokens.Batch(_steps++, _batch, _length + 2, LingSizes.Nano.Vocabulary);
        var ids = tensor(tokens, _batch, _length + 2, ScalarType.Int64);
        _optimizer.zero_grad();
        var loss = _model.Loss(ids);
        loss.backward();
        nn.utils.clip_grad_norm_(_model.parameters(), 1.0);
        _optimizer.step();
        if (!float.IsFinite(loss.to(ScalarType.Float32).item<float>()))
        {
            throw new InvalidOperationException("the peer's loss is not finite");
        }
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _model.Dispose();
    }
}
