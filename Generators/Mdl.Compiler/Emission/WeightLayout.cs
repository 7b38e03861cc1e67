using Mdl.Dsl.Binding;

namespace Mdl.Compiler.Emission;

/// <summary>Where parameters lie in a model's weight memory: trainable ones first, each at a multiple of 16 floats.</summary>
internal sealed class WeightLayout
{
    private readonly Dictionary<string, long> _offsets = new(StringComparer.Ordinal);

    public WeightLayout(BoundModel model)
    {
        Parameters = [.. model.Parameters.Where(p => !p.IsState), .. model.Parameters.Where(p => p.IsState)];
        foreach (var parameter in Parameters)
        {
            _offsets[parameter.Key] = TotalSize;
            TotalSize = checked(TotalSize + ((parameter.Size + 15) / 16 * 16));
            if (!parameter.IsState)
            {
                TrainableSize = TotalSize;
            }
        }
    }

    public IReadOnlyList<BoundParameter> Parameters { get; }

    public long TrainableSize { get; }

    public long TotalSize { get; }

    public long this[string key] => _offsets[key];
}
