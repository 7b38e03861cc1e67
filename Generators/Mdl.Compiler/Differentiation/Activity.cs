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
            var ofLoop = node.Operation is Repeat repeat ? OfRepeat(repeat, [.. node.Inputs.Select(active.Contains)]) : null;
            var isActive = ofLoop is null && AnyInput(node, active);
            for (var k = 0; k < node.Types.Count; k++)
            {
                var output = Value.Of(i, k);
                if (node.Types[k].Element == ElementType.F32 && ((ofLoop is null ? isActive : ofLoop[k]) || isSource(output)))
                {
                    active.Add(output);
                }
            }
        }

        return active;
    }

    private static bool AnyInput(Node node, HashSet<Value> active)
    {
        for (var k = 0; k < node.Inputs.Count; k++)
        {
            if (PassesGradient(node.Operation, k) && active.Contains(node.Inputs[k]))
            {
                return true;
            }
        }

        return false;
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
