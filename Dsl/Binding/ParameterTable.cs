using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Binding;

/// <summary>The parameters and states met so far, in the order of first use.</summary>
internal sealed class ParameterTable
{
    private readonly List<BoundParameter> _all = [];
    private readonly Dictionary<string, BoundParameter> _byKey = new(StringComparer.Ordinal);

    private readonly Dictionary<string, string> _blockDocs = new(StringComparer.Ordinal);

    public IReadOnlyList<BoundParameter> All => _all;

    /// <summary>The doc comments of the blocks that hold the parameters, by <see cref="BoundModel.BlockKey"/>.</summary>
    public IEnumerable<(string Key, string Doc)> BlockDocs => _blockDocs.Select(d => (d.Key, d.Value));

    public BoundParameter? Find(string key) => _byKey.TryGetValue(key, out var found) ? found : null;

    public void Add(BoundParameter parameter)
    {
        _byKey[parameter.Key] = parameter;
        _all.Add(parameter);
    }

    public void Document(string block, string doc)
    {
        if (doc.Length > 0 && !_blockDocs.ContainsKey(block))
        {
            _blockDocs.Add(block, doc);
        }
    }
}
