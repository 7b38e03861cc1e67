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
        var needed = new HashSet<Value>(graph.Outputs.Select(_fuser.DenseBase));
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var (node, value) = (graph.Nodes[i], Value.Of(i));
            if (!IndexFlow.IsFusable(node.Operation))
            {
                if (!IsSink(i, node))
                {
                    needed.UnionWith(BasesOf(node));
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
                    _deferrable.Add(value);
                }
            }
        }

        _deferrable.ExceptWith(needed);
    }

    private bool IsSink(int number, Node node) => node.Operation is not (Leaf or Repeat) && _users[number].Count == 0;

    /// <summary>The stored values that a template reads.</summary>
    private IEnumerable<Value> BasesOf(Node node)
    {
        for (var i = 0; i < node.Inputs.Count; i++)
        {
            if (_fuser.GatheredInput(node, i) is { } gathered)
            {
                yield return _fuser.TemplateInput(gathered, 0).Base;
                yield return _fuser.TemplateInput(gathered, 1).Base;
            }
            else
            {
                yield return _fuser.TemplateInput(node, i).Base;
            }
        }
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
        if (_waiting.Count == 0 || !IsSink(number, node) || !BasesOf(node).Any(b => _waiting.Any(r => r.Value == b)))
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

        foreach (var sink in _waitingSinks.Where(s => !BasesOf(graph.Nodes[s]).Any(b => _waiting.Any(r => r.Value == b))).ToList())
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
