using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>
/// Sums of products: where several terms of a sum are products that nothing else reads, each but the first adds itself to the memory of the one before,
/// which is its last input. One pass over the product's memory replaces storing it and adding it.
/// </summary>
internal sealed class Accumulation
{
    private readonly Graph _graph;
    private readonly int _forwardNodes;
    private readonly int[] _uses;

    /// <summary>The product that each product adds itself to.</summary>
    private readonly Dictionary<Value, Value> _addends = [];

    /// <summary>Terms that are part of a later one.</summary>
    private readonly HashSet<Value> _absorbed = [];

    private Accumulation(Graph graph, int forwardNodes)
    {
        _graph = graph;
        _forwardNodes = forwardNodes;
        _uses = UseCounts.Of(graph);
    }

    /// <summary>The input that a product adds itself to, or null.</summary>
    public static int? Addend(Node node) => node.Operation switch
    {
        Contract when node.Inputs.Count > 2 => 2,
        GroupedContract when node.Inputs.Count > 3 => 3,
        _ => null,
    };

    public static (Graph Graph, int ForwardNodes) Run(Graph graph, int forwardNodes) => new Accumulation(graph, forwardNodes).Rewrite();

    private (Graph Graph, int ForwardNodes) Rewrite()
    {
        var absorbed = new HashSet<int>();
        for (var i = _graph.Nodes.Count - 1; i >= 0; i--)
        {
            if (IsSum(_graph.Nodes[i]) && !absorbed.Contains(i))
            {
                var products = new SortedDictionary<int, Value>();
                Terms(new(i), products, absorbed, isTop: true);
                Chain([.. products.Values]);
            }
        }

        return Rebuild();
    }

    private static bool IsSum(Node node) => node.Operation is Binary { Function: BinaryFunction.Add } && node.Types[0].Element == ElementType.F32;

    private void Terms(Value value, SortedDictionary<int, Value> products, HashSet<int> absorbed, bool isTop)
    {
        var node = _graph.Nodes[value.Node];
        if (!isTop && _uses[value.Node] > 1)
        {
            return;
        }

        switch (node.Operation)
        {
            case Reshape when !isTop:
                Terms(node.Inputs[0], products, absorbed, false);
                break;
            case Contract or GroupedContract:
                products[value.Node] = value;
                break;
            case Binary when IsSum(node):
                absorbed.Add(value.Node);
                Terms(node.Inputs[0], products, absorbed, false);
                Terms(node.Inputs[1], products, absorbed, false);
                break;
        }
    }

    private void Chain(IReadOnlyList<Value> products)
    {
        // Grouped products leave zeros in rows without an expert, so they add to one another only if they run over the same experts.
        foreach (var group in products.GroupBy(v => (
            _graph.Type(v), v.Node < _forwardNodes, Experts: _graph.Nodes[v.Node] is { Operation: GroupedContract } n ? n.Inputs[2] : null)))
        {
            Value? before = null;
            foreach (var product in group)
            {
                if (before is not null)
                {
                    _addends[product] = before;
                    _absorbed.Add(before);
                }

                before = product;
            }
        }
    }

    private (Graph Graph, int ForwardNodes) Rebuild()
    {
        var builder = new GraphBuilder(_graph.Nodes.Count);
        var map = new ValueMap(_graph.Nodes.Count);
        var gone = new HashSet<Value>(_absorbed);
        var forward = -1;
        for (var i = 0; i < _graph.Nodes.Count; i++)
        {
            forward = i == _forwardNodes ? builder.Count : forward;
            var (node, value) = (_graph.Nodes[i], new Value(i));
            builder.Origin = node.Origin;
            if (node.Operation is Reshape && gone.Contains(node.Inputs[0]) && !_addends.ContainsKey(value))
            {
                gone.Add(value);
                continue;
            }

            if (IsSum(node) && node.Inputs.Any(gone.Contains))
            {
                if (node.Inputs.All(gone.Contains))
                {
                    gone.Add(value);
                }
                else
                {
                    map[value] = map[node.Inputs[gone.Contains(node.Inputs[0]) ? 1 : 0]];
                }

                continue;
            }

            var inputs = map.Of(node.Inputs);
            var added = node.Operation is Repeat repeat
                ? builder.AddNode(repeat with { Body = Run(repeat.Body, repeat.Body.Nodes.Count).Graph }, inputs, node.Name)
                : builder.Copy(node, _addends.TryGetValue(value, out var addend) ? inputs.Add(map[addend]) : inputs);
            map.SetAll(i, node.Types.Count, added);
        }

        return (builder.Build(map.Of(_graph.Outputs)), forward < 0 ? builder.Count : forward);
    }
}
