using Mdl.Runtime.Checkpoints;

namespace Mdl.Runtime.Models;

/// <summary>Takes weights as a checkpoint has them and adds up how far those are off that a model holds.</summary>
internal sealed class WeightErrorMeter(LanguageModel held) : IWeightDestination
{
    private readonly Dictionary<(int Parameter, int Instance), Sums> _sums = [];
    private float[] _held = [];

    public void Store(int parameter, int instance, long begin, ReadOnlySpan<float> values)
    {
        if (_held.Length < values.Length)
        {
            _held = new float[values.Length];
        }

        var actual = _held.AsSpan(0, values.Length);
        held.Store.Read(parameter, instance, begin, actual);
        var sums = _sums.GetValueOrDefault((parameter, instance));
        for (var i = 0; i < actual.Length; i++)
        {
            double off = actual[i] - values[i];
            sums.Error += off * off;
            sums.Size += (double)values[i] * values[i];
            sums.Largest = Math.Max(sums.Largest, Math.Abs(off));
        }

        _sums[(parameter, instance)] = sums;
    }

    /// <summary>The errors of all tensors that were told, in the order of <see cref="ModelInfo.Parameters"/>.</summary>
    public IReadOnlyList<WeightError> Errors() => [.. _sums.OrderBy(s => s.Key).Select(s =>
    {
        var info = held.Info.Parameters[s.Key.Parameter];
        var (error, size, largest) = (s.Value.Error, s.Value.Size, s.Value.Largest);
        return new WeightError(info.InstancePath(s.Key.Instance), WeightStore.FormatOf(info, held.WeightFormat), error == 0 ? 0 : Math.Sqrt(error / size), largest);
    })];

    private struct Sums
    {
        public double Error, Size, Largest;
    }
}
