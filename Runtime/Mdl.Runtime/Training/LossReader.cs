using Mdl.Runtime.Models;

namespace Mdl.Runtime.Training;

/// <summary>Finds the loss parts among a program's metrics.</summary>
internal sealed class LossReader
{
    private readonly int _loss;
    private readonly int _nll;
    private readonly int _mtp;
    private readonly int _aux;

    public LossReader(ModelInfo info)
    {
        _loss = Find(info, "loss");
        _nll = Find(info, "nll");
        _mtp = Find(info, "mtp");
        _aux = Find(info, "aux");
        if (_loss < 0)
        {
            throw new ArgumentException($"Model {info.Name} has no metric \"loss\".", nameof(info));
        }
    }

    public Losses Read(ReadOnlySpan<float> metrics) => new(
        metrics[_loss], metrics[_nll < 0 ? _loss : _nll], _mtp < 0 ? 0 : metrics[_mtp], _aux < 0 ? 0 : metrics[_aux]);

    private static int Find(ModelInfo info, string name) => info.Metrics.FirstOrDefault(m => !m.IsLoad && m.Name == name)?.Offset ?? -1;
}
