using Mdl.Dsl.Graphs;

namespace Mdl.Compiler;

/// <summary>Some of the values of a graph, by the numbers of their nodes.</summary>
internal sealed class ValueSet(int nodes)
{
    // Few nodes have more than one output.
    private readonly bool[] _first = new bool[nodes];
    private readonly HashSet<Value> _others = [];

    public void Add(Value value)
    {
        if (value.Output == 0)
        {
            _first[value.Node] = true;
        }
        else
        {
            _others.Add(value);
        }
    }

    public bool Contains(int node, int output) => output == 0 ? _first[node] : _others.Contains(new(node, output));
}
