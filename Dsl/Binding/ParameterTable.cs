using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Binding;

/// <summary>The parameters and states met so far, in the order of first use.</summary>
internal sealed class ParameterTable
{
    private readonly List<BoundParameter> _all = [];
    private readonly Dictionary<string, BoundParameter> _byKey = new(StringComparer.Ordinal);

    public IReadOnlyList<BoundParameter> All => _all;

    public BoundParameter? Find(string key) => _byKey.TryGetValue(key, out var found) ? found : null;

    public void Add(BoundParameter parameter)
    {
        _byKey[parameter.Key] = parameter;
        _all.Add(parameter);
    }
}
