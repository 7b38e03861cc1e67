using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>
/// Finds out from when to when each buffer is alive on the flat timeline of steps. A buffer of an outer scope that a loop touches is alive during the
/// whole loop; a buffer of the loop's own lives within one iteration.
/// </summary>
internal sealed class Timeline(IReadOnlyList<ArenaBuffer> kept)
{
    private readonly Dictionary<ArenaBuffer, int> _depths = [];
    private readonly List<HashSet<ArenaBuffer>> _touched = [];
    private int _now;

    public void Run(ScopePlan top)
    {
        Scope(top);
        foreach (var buffer in kept)
        {
            buffer.Touch(0);
            buffer.Touch(_now);
        }
    }

    private void Scope(ScopePlan plan)
    {
        var depth = _touched.Count;
        foreach (var storage in plan.Stored.Values.Concat(plan.Partials.Values))
        {
            if (storage.Buffer is { } buffer && !_depths.ContainsKey(buffer))
            {
                _depths[buffer] = depth;
            }
        }

        foreach (var step in plan.Steps)
        {
            _now++;
            switch (step)
            {
                case KernelStep { Kernel: var kernel }:
                    Kernel(plan, kernel);
                    break;
                case TemplateStep { Node: var number }:
                    Template(plan, number);
                    break;
                case ProductStep product:
                    foreach (var node in product.Nodes)
                    {
                        Template(plan, node);
                    }

                    foreach (var kernel in product.All)
                    {
                        Kernel(plan, kernel);
                    }

                    break;
                case CopyStep copy:
                    Touch(copy.Source);
                    Touch(copy.Target);
                    break;
                case LoopStep { Node: var number, Loop: var loop }:
                    Loop(plan, number, loop);
                    break;
            }
        }
    }

    private void Kernel(ScopePlan plan, RowKernel kernel)
    {
        foreach (var root in kernel.Roots)
        {
            Touch(plan.Stored[root.Concat ?? root.Value]);
            if (plan.Partials.TryGetValue(root.Value, out var partial))
            {
                Touch(partial);
            }

            plan.Fuser.Visit(root, d => Touch(plan.Stored[d.Value]));
        }

    }

    private void Template(ScopePlan plan, int number)
    {
        var node = plan.Graph.Nodes[number];
        for (var i = 0; i < node.Inputs.Count; i++)
        {
            var gathered = plan.Fuser.GatheredInput(node, i);
            for (var j = 0; j < (gathered?.Inputs.Count ?? 1); j++)
            {
                Touch(plan.StorageOf(plan.Fuser.TemplateInput(gathered ?? node, gathered is null ? i : j)));
            }
        }

        for (var i = 0; i < node.Types.Count; i++)
        {
            Touch(plan.Stored[new Value(number, i)]);
        }
    }

    private void Loop(ScopePlan plan, int number, LoopPlan loop)
    {
        var begin = _now;
        Template(plan, number);
        _touched.Add([]);
        foreach (var carried in loop.Carried)
        {
            foreach (var between in carried.Between)
            {
                _depths[between.Buffer!] = _touched.Count - 1;
                Touch(between);
            }
        }

        Scope(loop.Body);
        _now++;
        var touched = _touched[_touched.Count - 1];
        _touched.RemoveAt(_touched.Count - 1);
        foreach (var buffer in touched)
        {
            buffer.Touch(begin);
            buffer.Touch(_now);
        }

        Template(plan, number);
    }

    private void Touch(Storage storage)
    {
        if (storage.Buffer is not { } buffer)
        {
            return;
        }

        buffer.Touch(_now);
        for (var depth = _depths[buffer]; depth < _touched.Count; depth++)
        {
            _touched[depth].Add(buffer);
        }
    }
}
