using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission;

/// <summary>How many row reductions and selections stand one behind the other under each value: the pass in which it can be computed.</summary>
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
        var node = Graph.Nodes[root.Value.Node];
        var at = _plan.Fuser.RootIndex(_plan.Fuser.SpaceOf(root));
        return root.Kind switch
        {
            RootKind.Select => node.Inputs.Select((_, i) => _plan.Fuser.TemplateInput(node, i).Base).Max(LevelInMemory),
            RootKind.Store => LevelAt(root.Value, at, root.Concat is null),
            _ => LevelAt(node.Inputs[0], root.Kind == RootKind.ColumnReduce ? at : _plan.Fuser.ReducedIndex(node, at), false),
        };
    }

    /// <summary>The pass in which a value can be computed, or read if it is stored and not <paramref name="isRoot"/>.</summary>
    private int LevelAt(Value start, Linear[] at, bool isRoot)
    {
        var level = -1;
        var seen = _buffers.TakePlaces();
        Walk(start, at, isRoot);
        _buffers.Return(seen);
        return level + 1;

        void Walk(Value value, Linear[] index, bool isRoot)
        {
            if (!isRoot && !Inlines(value, index))
            {
                // Selections are done at the end of a pass, so that the next one can read what they store.
                level = Math.Max(level, Selection(value) is { } selection ? LevelOf(selection) : -1);
                return;
            }

            if (!seen.Add(new(value, index)))
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

    /// <summary>The pass after whose loops a stored value is in memory.</summary>
    private int LevelInMemory(Value value) => _kernel.Roots.Find(r => r.Concat is null && r.Value == value) is { } root ? LevelOf(root) : 0;

    /// <summary>The selection of this kernel that stores a value.</summary>
    private Root? Selection(Value value)
    {
        foreach (var root in _kernel.Roots)
        {
            if (root.Kind == RootKind.Select && root.Value == value)
            {
                return root;
            }
        }

        return null;
    }

    private int ReductionLevel(Value reduction)
    {
        if (!_levels.TryGetValue(reduction, out var level))
        {
            var input = Graph.Nodes[reduction.Node].Inputs[0];
            level = LevelAt(input, _plan.Fuser.RootIndex(Graph.Type(input).Shape), isRoot: false);
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
