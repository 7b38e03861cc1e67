using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Simplification;

/// <summary>
/// Rules for repetitions: a carried value that never changes is an invariant; constants move into the body, equal inputs become one; results that are
/// constant, that repeat another or that only hand on a slice need no loop.
/// </summary>
internal static class LoopAlgebra
{
    public static IReadOnlyList<Value> Rewrite(GraphBuilder builder, Repeat loop, Value[] inputs, string name)
    {
        var plan = Plan(builder, loop, inputs);
        var outputs = new Value?[loop.Body.Outputs.Count];
        var kept = new List<int>();
        var sameAs = new Dictionary<int, int>();
        for (var i = 0; i < outputs.Length; i++)
        {
            if (i < loop.Carried)
            {
                if (plan[i].Role == InputRole.Carried)
                {
                    kept.Add(i);
                }
                else
                {
                    outputs[i] = inputs[i];
                }

                continue;
            }

            var value = loop.Body.Outputs[i];
            if (OutsideOf(builder, loop, value, inputs) is { } outside)
            {
                outputs[i] = outside;
            }
            else if (kept.FindIndex(k => k >= loop.Carried && loop.Body.Outputs[k] == value) is var same and >= 0)
            {
                sameAs[i] = kept[same];
            }
            else
            {
                kept.Add(i);
            }
        }

        if (kept.Count > 0)
        {
            var (next, used) = LoopInterface.Rebuild(loop, plan, kept);
            var node = builder.AddNode(next, [.. used.Select(i => inputs[i])], name).Node;
            for (var k = 0; k < kept.Count; k++)
            {
                outputs[kept[k]] = new(node, k);
            }
        }

        return [.. outputs.Select((v, i) => v ?? outputs[sameAs[i]]!)];
    }

    private static InputPlan[] Plan(GraphBuilder builder, Repeat loop, Value[] inputs)
    {
        var plan = new InputPlan[inputs.Length];
        for (var i = 0; i < inputs.Length; i++)
        {
            var role = loop.RoleOf(i);
            if (role == InputRole.Carried && loop.Body.Outputs[i] == new Value(i))
            {
                role = InputRole.Invariant;
            }

            if (role != InputRole.Carried && builder.ConstantOf(inputs[i]) is { } c)
            {
                plan[i] = new(InputRole.Constant, Number: c);
                continue;
            }

            var other = 0;
            while (other < i && (role == InputRole.Carried || inputs[other] != inputs[i] || plan[other].Role != role))
            {
                other++;
            }

            plan[i] = other < i ? new(InputRole.Alias, Other: other) : new(role);
        }

        return plan;
    }

    /// <summary>A stacked result as a value outside the loop, where it is one.</summary>
    private static Value? OutsideOf(GraphBuilder builder, Repeat loop, Value result, Value[] inputs)
    {
        var node = loop.Body.Nodes[result.Node];
        if (node.Operation is Broadcast && loop.Body.Nodes[node.Inputs[0].Node].Operation is Constant c)
        {
            return builder.Broadcast(builder.Constant(c.Value), [loop.Count, .. node.Types[0].Shape]);
        }

        return result.Node < inputs.Length && loop.RoleOf(result.Node) == InputRole.Slice ? inputs[result.Node] : null;
    }
}
