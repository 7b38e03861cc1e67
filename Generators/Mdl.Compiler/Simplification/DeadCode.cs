using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Simplification;

/// <summary>Removes nodes that no output needs; of repetitions also the results, carried values and inputs that nothing needs.</summary>
internal static class DeadCode
{
    public static Marked Remove(Marked graph) => Remove(graph, isBody: false);

    private static Marked Remove(Marked marked, bool isBody)
    {
        var graph = marked.Graph;
        var live = new ValueSet(graph.Nodes.Count);
        foreach (var output in graph.Outputs)
        {
            live.Add(output);
        }

        var loops = new Dictionary<int, (Repeat Loop, IReadOnlyList<int> Inputs, IReadOnlyList<int> Outputs)>();
        for (var i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            var node = graph.Nodes[i];
            if (!IsLive(i, node, live))
            {
                continue;
            }

            if (node.Operation is Repeat repeat)
            {
                loops[i] = Shrink(repeat, [.. Enumerable.Range(0, node.Types.Count).Where(k => live.Contains(i, k))]);
                foreach (var k in loops[i].Inputs)
                {
                    live.Add(node.Inputs[k]);
                }

                continue;
            }

            foreach (var input in node.Inputs)
            {
                live.Add(input);
            }
        }

        return IsUnchanged(graph, isBody, live, loops) ? marked : Rebuild(marked, isBody, live, loops);
    }

    private static bool IsLive(int number, Node node, ValueSet live)
    {
        for (var k = 0; k < node.Types.Count; k++)
        {
            if (live.Contains(number, k))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsUnchanged(
        Graph graph, bool isBody, ValueSet live, Dictionary<int, (Repeat Loop, IReadOnlyList<int> Inputs, IReadOnlyList<int> Outputs)> loops)
    {
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            var isKept = loops.TryGetValue(i, out var loop) ? ReferenceEquals(loop.Loop, node.Operation)
                : IsLive(i, node, live) || (isBody && node.Operation is Input);
            if (!isKept)
            {
                return false;
            }
        }

        return true;
    }

    private static Marked Rebuild(
        Marked marked,
        bool isBody,
        ValueSet live,
        Dictionary<int, (Repeat Loop, IReadOnlyList<int> Inputs, IReadOnlyList<int> Outputs)> loops)
    {
        var graph = marked.Graph;
        var builder = new GraphBuilder(graph.Nodes.Count);
        var map = new ValueMap(graph.Nodes.Count);
        var mark = 0;
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            builder.Origin = node.Origin;
            if (loops.TryGetValue(i, out var loop))
            {
                var added = builder.AddNode(loop.Loop, Kept(map, node, loop.Inputs), node.Name);
                for (var k = 0; k < loop.Outputs.Count; k++)
                {
                    map.Set(i, loop.Outputs[k], new(added.Node, k));
                }
            }
            else if (IsLive(i, node, live) || (isBody && node.Operation is Input))
            {
                // A body keeps its inputs, needed or not: they are its interface, which only the repetition around it can change.
                var added = builder.Copy(node, map.Of(node.Inputs));
                map.SetAll(i, node.Types.Count, added);
            }

            mark = i < marked.Mark ? builder.Count : mark;
        }

        return new(builder.Build(map.Of(graph.Outputs)), mark);
    }

    // Apart: a lambda in the loop over nodes would make a closure for each of them.
    private static EquatableArray<Value> Kept(ValueMap map, Node node, IReadOnlyList<int> inputs) => inputs.Select(k => map[node.Inputs[k]]).ToEquatableArray();

    private static (Repeat Loop, IReadOnlyList<int> Inputs, IReadOnlyList<int> Outputs) Shrink(Repeat repeat, IReadOnlyList<int> used)
    {
        var body = Remove(new(repeat.Body, 0), isBody: true).Graph;
        var inputs = body.Nodes.Count(n => n.Operation is Input);

        // A carried value is needed if the last one is used, or if anything needed reads it.
        var outputs = new SortedSet<int>(used);
        bool[] live;
        int before;
        do
        {
            before = outputs.Count;
            live = Liveness.Of(body, outputs.Select(i => body.Outputs[i]));
            outputs.UnionWith(Enumerable.Range(0, repeat.Carried).Where(i => live[i]));
        }
        while (outputs.Count > before);

        var plan = Enumerable.Range(0, inputs)
            .Select(i => new InputPlan(live[i] || (i < repeat.Carried && outputs.Contains(i)) ? repeat.RoleOf(i) : InputRole.Dropped))
            .ToArray();
        var (loop, kept) = LoopInterface.Rebuild(ReferenceEquals(body, repeat.Body) ? repeat : repeat with { Body = body }, plan, [.. outputs]);
        return (loop, kept, [.. outputs]);
    }
}

internal static class Liveness
{
    /// <summary>For each node, whether one of the values needs it.</summary>
    public static bool[] Of(Graph graph, IEnumerable<Value> values)
    {
        var live = new bool[graph.Nodes.Count];
        foreach (var value in values)
        {
            live[value.Node] = true;
        }

        for (var i = live.Length - 1; i >= 0; i--)
        {
            if (live[i])
            {
                foreach (var input in graph.Nodes[i].Inputs)
                {
                    live[input.Node] = true;
                }
            }
        }

        return live;
    }
}
