using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>
/// Products that nothing reads but the caller, such as gradients of weights, can wait. What only they read waits with them for a later kernel over the
/// same memory: there it costs no pass of its own, and what both compute is computed once.
/// </summary>
internal sealed partial class Grouper
{
    // Stored values that only such products read, and those of them that no kernel computes yet.
    private readonly HashSet<Value> _deferrable = [];
    private readonly List<Root> _waiting = [];
    private readonly List<int> _waitingSinks = [];

    private void FindDeferrable()
    {
        _deferrable.Clear();
        _waiting.Clear();
        _waitingSinks.Clear();
        var needed = new ValueSet(graph.Nodes.Count);
        foreach (var output in graph.Outputs)
        {
            needed.Add(_fuser.DenseBase(output));
        }

        var stored = new List<Value>();
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var (node, value) = (graph.Nodes[i], Value.Of(i));
            if (!IndexFlow.IsFusable(node.Operation))
            {
                if (!IsSink(i, node))
                {
                    AddBases(node, needed);
                }
            }
            else if (_fuser.IsRoot(value))
            {
                foreach (var root in _fuser.RootsFor(value))
                {
                    foreach (var read in _fuser.Reads(root))
                    {
                        needed.Add(read.Value);
                    }
                }

                if (!_fuser.IsAssembled(value) && _fuser.KindOf(value) == RootKind.Store)
                {
                    stored.Add(value);
                }
            }
        }

        foreach (var value in stored)
        {
            if (!needed.Contains(value.Node, value.Output))
            {
                _deferrable.Add(value);
            }
        }
    }

    private bool IsSink(int number, Node node) => node.Operation is not (Leaf or Repeat) && _users[number] is null;

    /// <summary>Adds the stored values that a template reads.</summary>
    private void AddBases(Node node, ValueSet bases)
    {
        for (var i = 0; i < node.Inputs.Count; i++)
        {
            if (_fuser.GatheredInput(node, i) is { } gathered)
            {
                bases.Add(_fuser.TemplateInput(gathered, 0).Base);
                bases.Add(_fuser.TemplateInput(gathered, 1).Base);
            }
            else
            {
                bases.Add(_fuser.TemplateInput(node, i).Base);
            }
        }
    }

    private bool ReadsWaiting(Node node)
    {
        if (_waiting.Count == 0)
        {
            return false;
        }

        var bases = new ValueSet(graph.Nodes.Count);
        AddBases(node, bases);
        return _waiting.Exists(r => bases.Contains(r.Value.Node, r.Value.Output));
    }

    private bool Defer(Root root)
    {
        if (root.Concat is not null || !_deferrable.Contains(root.Value))
        {
            return false;
        }

        _waiting.Add(root);
        return true;
    }

    private bool DeferSink(int number, Node node)
    {
        if (!IsSink(number, node) || !ReadsWaiting(node))
        {
            return false;
        }

        _waitingSinks.Add(number);
        return true;
    }

    /// <summary>After a kernel has grown: puts into it what waits and reads the same memory.</summary>
    private void JoinDeferred()
    {
        for (var i = 0; i < _waiting.Count; i++)
        {
            if (Join(_waiting[i], out var position, out _))
            {
                _ready[_waiting[i].Value] = position;
                _waiting.RemoveAt(i--);
            }
        }

        EndSinks();
    }

    private void EndSinks()
    {
        if (_waitingSinks.Count == 0)
        {
            return;
        }

        foreach (var sink in _waitingSinks.Where(s => !ReadsWaiting(graph.Nodes[s])).ToList())
        {
            _waitingSinks.Remove(sink);
            _steps.Add(new TemplateStep(sink));
            for (var output = 0; output < graph.Nodes[sink].Types.Count; output++)
            {
                _ready[new(sink, output)] = _steps.Count - 1;
            }
        }
    }

    /// <summary>Computes all that still waits.</summary>
    private void Flush()
    {
        foreach (var root in _waiting)
        {
            _ready[root.Value] = Join(root, out var position, out var reads) ? position : Begin(root, reads);
        }

        _waiting.Clear();
        EndSinks();
    }
}
