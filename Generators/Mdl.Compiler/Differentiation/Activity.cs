using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

/// <summary>Which values depend, through something differentiable, on the values to differentiate by. Only these get adjoints.</summary>
internal static class Activity
{
    public static HashSet<Value> Of(Graph graph, Func<Value, bool> isSource)
    {
        var active = new HashSet<Value>();
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            var inputs = node.Inputs.Select((v, k) => active.Contains(v) && PassesGradient(node.Operation, k)).ToArray();
            var outputs = node.Operation is Repeat repeat ? OfRepeat(repeat, inputs) : [.. node.Types.Select(_ => inputs.Any(a => a))];
            for (var k = 0; k < outputs.Length; k++)
            {
                if (node.Types[k].Element == ElementType.F32 && (outputs[k] || isSource(new(i, k))))
                {
                    active.Add(new(i, k));
                }
            }
        }

        return active;
    }

    /// <summary>Which values of a repeated body are active, given which inputs of the repetition are; carried values feed back.</summary>
    public static HashSet<Value> OfBody(Repeat repeat, IReadOnlyList<bool> inputs)
    {
        var sources = inputs.ToArray();
        while (true)
        {
            var active = Of(repeat.Body, v => v.Node < sources.Length && sources[v.Node]);
            var changed = false;
            for (var i = 0; i < repeat.Carried; i++)
            {
                if (!sources[i] && active.Contains(repeat.Body.Outputs[i]))
                {
                    changed = sources[i] = true;
                }
            }

            if (!changed)
            {
                return active;
            }
        }
    }

    private static bool[] OfRepeat(Repeat repeat, IReadOnlyList<bool> inputs)
    {
        if (!inputs.Any(a => a))
        {
            return new bool[repeat.Body.Outputs.Count];
        }

        var active = OfBody(repeat, inputs);
        return repeat.Body.Outputs.Select((v, i) => active.Contains(v) || (i < repeat.Carried && active.Contains(new(i)))).ToArray();
    }

    // Ints need no mention: they are never active.
    private static bool PassesGradient(Operation operation, int input) => operation switch
    {
        Unary o => o.Function is not (UnaryFunction.Sign or UnaryFunction.Floor or UnaryFunction.Step or UnaryFunction.StopGradient),
        Binary o => o.Function is not (BinaryFunction.Less or BinaryFunction.Equal),
        Select => input > 0,
        _ => true,
    };
}
