using System.Globalization;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>
/// What generated code calls a value: by its name in the source, or by what it is computed from and how. Names depend on the values before one only,
/// so that they stay as they are when unrelated lines of the source change.
/// </summary>
internal static class ValueNames
{
    // Beyond, a name would say more about where a value is than what it is.
    private const int Farthest = 8;
    private const int MostWords = 2;

    /// <summary>The name in camel case of the source, followed by what tells outputs of one operation apart: <c>h_attend_lse</c>.</summary>
    public static string Of(Graph graph, Value value)
    {
        var node = graph.Nodes[value.Node];
        if (node.Operation is Repeat repeat)
        {
            // What an iteration reads of a carried value is called as what the one before yields.
            var yielded = repeat.Body.Outputs[value.Output];
            var carried = yielded.Node < repeat.Carried ? repeat.Body.Outputs[yielded.Node] : yielded;
            return Of(repeat.Body, carried) + (value.Output < repeat.Carried ? "_final" : "_saved");
        }

        return Join(Named(graph, node), Role(node, value.Output));
    }

    private static string Named(Graph graph, Node node)
    {
        var name = Source(node);
        var isGradient = name.StartsWith("d_", StringComparison.Ordinal);
        // A single letter, and what a gradient of one is called, say too little to be the only word.
        return name.Length > (isGradient ? 3 : 1) || (name.Length > 0 && node.Operation is Leaf or Concat) ? name
            : name.Length > 0 ? Join(name, Word(graph, node))
            : Described(graph, node);
    }

    /// <summary>The nearest name among what a value is computed from, and the last operations on the way.</summary>
    private static string Described(Graph graph, Node node)
    {
        var words = new List<string>();
        var name = "";
        var v = node;
        for (var steps = 0; steps < Farthest; steps++)
        {
            if (steps > 0 && Source(v).Length > 0)
            {
                name = Source(v);
                break;
            }

            if (words.Count < MostWords && (steps == 0 && v.Operation is Slice ? "slice" : Word(graph, v)) is { Length: > 0 } word && (words.Count == 0 || words[0] != word))
            {
                words.Insert(0, word);
            }

            if (v.Inputs.Count == 0)
            {
                break;
            }

            v = graph.Nodes[v.Inputs[Telling(graph, v)].Node];
        }

        var did = string.Join("_", words);
        name = name.Length == 0 && v.Operation is Input ? "input" : name;
        var text = name.Length > 0 && did.StartsWith(name + "_", StringComparison.Ordinal) ? did : Join(name, did);
        return text.Length > 0 ? text : node.Operation.GetType().Name;
    }

    /// <summary>The input that says most: of a product the weight, of other operations the first that has or comes from a name.</summary>
    private static int Telling(Graph graph, Node node)
    {
        if (node.Operation is Contract or GroupedContract)
        {
            return Source(Seen(graph, node.Inputs[1])).Length > 0 ? 1 : 0;
        }

        for (var i = 0; i < node.Inputs.Count && node.Operation is not Concat; i++)
        {
            if (Source(Seen(graph, node.Inputs[i])).Length > 0)
            {
                return i;
            }
        }

        for (var i = 0; i < node.Inputs.Count; i++)
        {
            if (graph.Nodes[node.Inputs[i].Node].Operation is not (Leaf or Broadcast))
            {
                return i;
            }
        }

        return 0;
    }

    /// <summary>What an operation does, in a word; nothing for those that only move values or work with constants.</summary>
    private static string Word(Graph graph, Node node) => node.Operation switch
    {
        Unary unary => unary.Function is UnaryFunction.Negate or UnaryFunction.ToFloat ? "" : unary.Function.ToString().ToLowerInvariant(),
        Binary { Function: BinaryFunction.Add } => Addend(graph, node),
        Binary { Function: BinaryFunction.Multiply } => node.Inputs.Any(i => IsConstant(graph, i)) ? "" : "times",
        Binary binary => node.Inputs.Any(i => IsConstant(graph, i)) ? "" : binary.Function.ToString().ToLowerInvariant(),
        Reduce reduce => reduce.Function.ToString().ToLowerInvariant(),
        Contract or GroupedContract => "product",
        GroupedOuter => "outer",
        Attend => "attention",
        TakeAlong => "taken",
        PutAlong => "put",
        Gather => "rows",
        Select or Dispatch or Top or Iota or Positions => node.Operation.GetType().Name.ToLowerInvariant(),
        GatherRows => "rows",
        CombineRows => "combined",
        GatherGradient => "scattered",
        AttendGradient or LinearCrossEntropyGradient => "gradient",
        LinearCrossEntropy or LinearCrossEntropyWithGradient => "nll",
        Pad => "padded",
        _ => "",
    };

    /// <summary>A sum by what is added, as to a residual: its name, or the weight that it is a product with: <c>out_add</c>.</summary>
    private static string Addend(Graph graph, Node node)
    {
        if (node.Inputs.Any(i => IsConstant(graph, i)))
        {
            return "";
        }

        foreach (var input in node.Inputs.Reverse())
        {
            var v = Seen(graph, input);
            if (Source(v) is { Length: > 1 } name)
            {
                return name + "_add";
            }

            if (v.Operation is Contract or GroupedContract && Source(Seen(graph, v.Inputs[1])) is { Length: > 0 } weight)
            {
                return weight + "_add";
            }
        }

        return "add";
    }

    private static bool IsConstant(Graph graph, Value value)
    {
        var node = graph.Nodes[value.Node];
        return node.Operation is Constant or SizeOf || (node.Operation is Broadcast or Reshape && IsConstant(graph, node.Inputs[0]));
    }

    private static string Role(Node node, int output) => (node.Operation, output) switch
    {
        (Attend or LinearCrossEntropy or LinearCrossEntropyWithGradient, 1) => "lse",
        (LinearCrossEntropyWithGradient, 2) => "gradient",
        (LinearCrossEntropyWithGradient, 3) => "weight_gradient",
        (AttendGradient, 0) => "q",
        (AttendGradient, 1) => "k",
        (AttendGradient, 2) => "v",
        (AttendGradient, 3) => "sink",
        (LinearCrossEntropyGradient, 1) => "weight",
        (Dispatch, 0) => "order",
        (Dispatch, 1) => "row",
        (Dispatch, 2) => "offsets",
        (Dispatch, 3) => "expert",
        (Dispatch, 4) => "load",
        (_, 0) => "",
        _ => output.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>What the source calls a value, without the blocks around it.</summary>
    private static string Source(Node node)
    {
        var name = (node.Name, node.Operation) switch
        {
            ({ Length: > 0 } given, _) => given,
            (_, Parameter parameter) => parameter.Path.Split('@')[0],
            (_, Input { Name: var input }) => input.StartsWith("#", StringComparison.Ordinal) ? "" : input,
            _ => "",
        };
        return name.Substring(name.LastIndexOf('.') + 1);
    }

    /// <summary>The value that is seen through views without a name.</summary>
    private static Node Seen(Graph graph, Value value)
    {
        var node = graph.Nodes[value.Node];
        while (node is { Name.Length: 0, Operation: Broadcast or Reshape or Transpose or Slice })
        {
            node = graph.Nodes[node.Inputs[0].Node];
        }

        return node;
    }

    private static string Join(string name, string more) => name.Length == 0 ? more : more.Length == 0 ? name : name + "_" + more;
}
