using Mdl.Dsl.Graphs;

namespace Mdl.Compiler;

/// <summary>Some of the values of a graph, by the numbers of their nodes.</summary>
internal sealed class ValueSet(int nodes)
{
    // Few nodes have more than one output.
    private readonly bool[] _first = new bool[nodes];
    private readonly HashSet<Value> _others = [];

    /// <summary>Adds a value; false if it was there.</summary>
    public bool Add(Value value)
    {
        if (value.Output != 0)
        {
            return _others.Add(value);
        }

        var isNew = !_first[value.Node];
        _first[value.Node] = true;
        return isNew;
    }

    public bool Contains(int node, int output) => output == 0 ? _first[node] : _others.Contains(new(node, output));
}
