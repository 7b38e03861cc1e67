using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Simplification;

/// <summary>What becomes of an input of a repeated body.</summary>
internal enum InputRole
{
    Carried,
    Invariant,
    Slice,

    /// <summary>Nothing that is kept uses it.</summary>
    Dropped,

    /// <summary>All its elements are one known number.</summary>
    Constant,

    /// <summary>The same as another input.</summary>
    Alias,
}

/// <summary>An input's role; with the number for a constant and the other input for an alias.</summary>
internal readonly record struct InputPlan(InputRole Role, double Number = 0, int Other = 0);

/// <summary>Rebuilds a repetition with other inputs and fewer outputs.</summary>
internal static class LoopInterface
{
    public static InputRole RoleOf(this Repeat loop, int input) =>
        input < loop.Carried ? InputRole.Carried : input < loop.Carried + loop.Invariants ? InputRole.Invariant : InputRole.Slice;

    /// <summary>The repetition that keeps the given outputs, and which inputs it takes, in order. Carried outputs are kept with their inputs.</summary>
    public static (Repeat Loop, IReadOnlyList<int> Inputs) Rebuild(Repeat loop, IReadOnlyList<InputPlan> plan, IReadOnlyList<int> keptOutputs)
    {
        var kept = new[] { InputRole.Carried, InputRole.Invariant, InputRole.Slice }
            .SelectMany(role => Enumerable.Range(0, plan.Count).Where(i => plan[i].Role == role))
            .ToArray();
        var outputs = keptOutputs.Select(i => loop.Body.Outputs[i]).ToArray();
        var live = Liveness.Of(loop.Body, outputs);
        if (keptOutputs.SequenceEqual(Enumerable.Range(0, loop.Body.Outputs.Count)) && IsUnchanged(loop, plan, live))
        {
            return (loop, kept);
        }

        var body = new GraphBuilder(loop.Body.Nodes.Count);
        var map = new ValueMap(loop.Body.Nodes.Count);
        for (var i = 0; i < kept.Length; i++)
        {
            var node = loop.Body.Nodes[kept[i]];
            body.Origin = node.Origin;
            map.Set(kept[i], 0, body.AddNode(new Input("#" + i, node.Types[0]), [], node.Name));
        }

        for (var i = 0; i < plan.Count; i++)
        {
            if (plan[i].Role == InputRole.Constant)
            {
                map.Set(i, 0, body.Broadcast(body.Constant(plan[i].Number), loop.Body.Nodes[i].Types[0].Shape));
            }
            else if (plan[i].Role == InputRole.Alias)
            {
                map.Set(i, 0, map[new(plan[i].Other)]);
            }
        }

        for (var i = plan.Count; i < loop.Body.Nodes.Count; i++)
        {
            if (live[i])
            {
                var node = loop.Body.Nodes[i];
                body.Origin = node.Origin;
                var added = body.Copy(node, map.Of(node.Inputs));
                map.SetAll(i, node.Types.Count, added);
            }
        }

        return (
            loop with
            {
                Carried = plan.Count(p => p.Role == InputRole.Carried),
                Invariants = plan.Count(p => p.Role == InputRole.Invariant),
                Body = body.Build(outputs.Select(v => map[v])),
            },
            kept);
    }

    private static bool IsUnchanged(Repeat loop, IReadOnlyList<InputPlan> plan, bool[] live)
    {
        for (var i = 0; i < live.Length; i++)
        {
            if (i < plan.Count ? plan[i].Role != loop.RoleOf(i) : !live[i])
            {
                return false;
            }
        }

        return true;
    }
}
