using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission;

/// <summary>How many row reductions stand one behind the other under each value: the pass in which it can be computed.</summary>
internal partial class RowKernelEmitter
{
    private int LevelOf(Root root)
    {
        if (!_rootLevels.TryGetValue(root, out var level))
        {
            level = FindLevel(root);
            _rootLevels[root] = level;
        }

        return level;
    }

    private int FindLevel(Root root)
    {
        var level = -1;
        var node = Graph.Nodes[root.Value.Node];
        var at = _plan.Fuser.RootIndex(_plan.Fuser.SpaceOf(root));
        var seen = new HashSet<Place>();
        if (root.Kind == RootKind.Store)
        {
            Walk(root.Value, at, root.Concat is null);
        }
        else
        {
            Walk(node.Inputs[0], root.Kind == RootKind.ColumnReduce ? at : _plan.Fuser.ReducedIndex(node, at), false);
        }

        return level + 1;

        void Walk(Value value, Linear[] index, bool isRoot)
        {
            if ((!isRoot && !Inlines(value, index)) || !seen.Add(new(value, index)))
            {
                return;
            }

            var self = Graph.Nodes[value.Node];
            if (self.Operation is Reduce)
            {
                level = Math.Max(level, ReductionLevel(value));
                return;
            }

            for (var i = 0; i < self.Inputs.Count; i++)
            {
                if (_plan.Fuser.Into(value, i, index) is { } into)
                {
                    Walk(self.Inputs[i], into, false);
                }
            }
        }
    }

    private int ReductionLevel(Value reduction)
    {
        if (!_levels.TryGetValue(reduction, out var level))
        {
            var input = Graph.Nodes[reduction.Node].Inputs[0];
            level = LevelOf(new Root(input, RootKind.Store));
            _levels[reduction] = level;
        }

        return level;
    }

    private bool Inlines(Value value, Linear[] at)
    {
        var node = Graph.Nodes[value.Node];
        if (!IndexFlow.IsFusable(node.Operation))
        {
            return false;
        }

        return !_plan.Fuser.IsRoot(value) || (Stores(value) && Fuser.IsOwnRow(_kernel.Rows, Graph.Type(value), at));
    }

    private bool Stores(Value value)
    {
        foreach (var root in _kernel.Roots)
        {
            if (root.Kind == RootKind.Store && root.Concat is null && root.Value == value)
            {
                return true;
            }
        }

        return false;
    }
}
