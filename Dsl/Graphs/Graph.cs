namespace Mdl.Dsl.Graphs;

/// <summary>Output number <paramref name="Output"/> of node number <paramref name="Node"/> of a graph.</summary>
public sealed record Value(int Node, int Output = 0)
{
    // Passes name the same few thousand values over and over.
    private static readonly Value[] First = [.. Enumerable.Range(0, 2048).Select(i => new Value(i))];

    /// <summary>Output 0 of a node.</summary>
    public static Value Of(int node) => node < First.Length ? First[node] : new(node);

    public static Value Of(int node, int output) => output == 0 ? Of(node) : new(node, output);

    public bool Equals(Value? other) => ReferenceEquals(this, other) || (other is not null && Node == other.Node && Output == other.Output);

    public override int GetHashCode() => unchecked((Node * 31) + Output);

    public override string ToString() => Output == 0 ? $"%{Node}" : $"%{Node}.{Output}";
}

/// <summary>Where in the source a node comes from: file and 1-based line. Empty path for nodes that the compiler adds.</summary>
public sealed record Origin(string Path, int Line)
{
    public static Origin None { get; } = new("", 0);
}

/// <summary>One operation applied to values of earlier nodes. Name is the name that the source gives the result, or "".</summary>
public sealed record Node(Operation Operation, EquatableArray<Value> Inputs, EquatableArray<TensorType> Types, Origin Origin, string Name);

/// <summary>
/// Nodes in topological order (a node's inputs are outputs of nodes with smaller numbers) and the values that the graph yields.
/// </summary>
public sealed record Graph(EquatableArray<Node> Nodes, EquatableArray<Value> Outputs)
{
    public TensorType Type(Value value) => Nodes[value.Node].Types[value.Output];

    /// <summary>One line a node, for dumps: <c>%7 = Contract(%3, %5) : [B*T, 512]  // q, ling.mdl:14</c>.</summary>
    public string Dump(string indent = "")
    {
        var lines = new List<string>();
        for (var i = 0; i < Nodes.Count; i++)
        {
            var node = Nodes[i];
            var name = node.Name.Length > 0 || node.Origin.Line > 0 ? $"  // {node.Name} {node.Origin.Path}:{node.Origin.Line}" : "";
            lines.Add($"{indent}%{i} = {node.Operation}({string.Join(", ", node.Inputs)}) : {string.Join("; ", node.Types)}{name}");
            if (node.Operation is Repeat repeat)
            {
                lines.Add(repeat.Body.Dump(indent + "    ").TrimEnd('\n'));
            }
        }

        lines.Add($"{indent}yield {string.Join(", ", Outputs)}");
        return string.Join("\n", lines) + "\n";
    }
}
