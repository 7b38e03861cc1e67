using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler;

/// <summary>What the values of a graph become in another graph, by the numbers of their nodes.</summary>
internal sealed class ValueMap(int nodes)
{
    // Few nodes have more than one output.
    private readonly Value?[] _first = new Value?[nodes];
    private readonly Dictionary<Value, Value> _others = [];

    /// <exception cref="KeyNotFoundException">The value has become nothing.</exception>
    public Value this[Value key]
    {
        get => key.Output == 0 ? _first[key.Node] ?? throw new KeyNotFoundException($"{key} has no counterpart") : _others[key];
        set => Set(key.Node, key.Output, value);
    }

    public void Set(int node, int output, Value value)
    {
        if (output == 0)
        {
            _first[node] = value;
        }
        else
        {
            _others[new(node, output)] = value;
        }
    }

    /// <summary>All outputs of a node become those of another one.</summary>
    public void SetAll(int node, int outputs, Value first)
    {
        for (var k = 0; k < outputs; k++)
        {
            Set(node, k, outputs == 1 || k == first.Output ? first : new(first.Node, k));
        }
    }

    /// <summary>The counterparts of several values; the same array where they are the same.</summary>
    public EquatableArray<Value> Of(EquatableArray<Value> values)
    {
        for (var i = 0; i < values.Count; i++)
        {
            var mapped = this[values[i]];
            if (!mapped.Equals(values[i]))
            {
                return Changed(values);
            }
        }

        return values;
    }

    private EquatableArray<Value> Changed(EquatableArray<Value> values)
    {
        var mapped = new Value[values.Count];
        for (var i = 0; i < mapped.Length; i++)
        {
            mapped[i] = this[values[i]];
        }

        return EquatableArray.Owning(mapped);
    }
}
