using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>Puts roots into kernels and everything into order: a root joins an earlier kernel over the same rows if all it reads is ready there.</summary>
internal sealed partial class Grouper(Graph graph, int forwardNodes, CancellationToken cancellation, bool selectsInRows)
{
    private readonly Fuser _fuser = new(graph);
    private readonly List<int>?[] _users = UsersOf(graph);

    // The state of one round.
    private readonly List<Step> _steps = [];
    private readonly Dictionary<Value, int> _ready = [];
    private readonly Dictionary<RowKernel, HashSet<Value>> _reading = [];
    private int _firstStep;

    public (Fuser Fuser, List<Step> Steps, int ForwardSteps) Run()
    {
        // Values that several kernels would compute are stored once; that changes the kernels, so it takes a few rounds.
        for (var round = 0; ; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            var (steps, forwardSteps) = Group();
            var shared = round < 4 ? Shared(steps) : [];
            if (shared.Count == 0)
            {
                return (_fuser, steps, forwardSteps);
            }

            _fuser.Share(shared);
        }
    }

    private (List<Step> Steps, int ForwardSteps) Group()
    {
        _steps.Clear();
        _ready.Clear();
        _reading.Clear();
        _firstStep = 0;
        FindDeferrable();
        var forwardSteps = -1;
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            if (i == forwardNodes)
            {
                Flush();
                forwardSteps = _firstStep = _steps.Count;
            }

            var node = graph.Nodes[i];
            var value = Value.Of(i);
            var isSelection = selectsInRows && _fuser.IsSelection(node);
            if (!isSelection && !IndexFlow.IsFusable(node.Operation))
            {
                Template(i, node);
            }
            else if (isSelection || _fuser.IsRoot(value))
            {
                var position = -1;
                foreach (var root in _fuser.RootsFor(value))
                {
                    if (!Join(root, out var at, out var reads))
                    {
                        if (Defer(root))
                        {
                            continue;
                        }

                        at = Begin(root, reads);
                    }

                    position = Math.Max(position, at);
                }

                if (position >= 0)
                {
                    _ready[value] = position;
                    JoinDeferred();
                }
            }
        }

        Flush();
        return ([.. _steps], forwardSteps < 0 ? _steps.Count : forwardSteps);
    }

    private void Template(int number, Node node)
    {
        if (node.Operation is Repeat)
        {
            Flush();
        }
        else if (DeferSink(number, node))
        {
            return;
        }

        if (node.Operation is not Leaf)
        {
            _steps.Add(node.Operation is Repeat ? new LoopStep(number, null!) : new TemplateStep(number));
        }

        for (var output = 0; output < node.Types.Count; output++)
        {
            _ready[output == 0 ? Value.Of(number) : new(number, output)] = node.Operation is Leaf ? -1 : _steps.Count - 1;
        }
    }

    private HashSet<Value> ReadsOf(Root root, out int strict, out int aligned)
    {
        (strict, aligned) = (-1, -1);
        var reads = new HashSet<Value>();
        foreach (var read in _fuser.Reads(root))
        {
            reads.Add(read.Value);
            if (read.Aligned)
            {
                aligned = Math.Max(aligned, _ready[read.Value]);
            }
            else if (_ready.TryGetValue(read.Value, out var at))
            {
                strict = Math.Max(strict, at);
            }
        }

        return reads;
    }

    /// <summary>Puts a root into the last kernel over the same rows that reads what it reads, if all else is ready there.</summary>
    private bool Join(Root root, out int position, out HashSet<Value> reads)
    {
        var rows = _fuser.RowsOf(root);
        reads = ReadsOf(root, out var strict, out var aligned);
        for (position = _steps.Count - 1; position >= _firstStep && position > strict && position >= aligned; position--)
        {
            if (_steps[position] is KernelStep { Kernel: var kernel } && kernel.Rows.Equals(rows) && IsOfType(kernel, root)
                && (_reading[kernel].Overlaps(reads) || IsReading(reads, kernel)))
            {
                kernel.Roots.Add(root);
                _reading[kernel].UnionWith(reads);
                return true;
            }
        }

        return false;
    }

    private static bool IsReading(HashSet<Value> reads, RowKernel kernel)
    {
        foreach (var root in kernel.Roots)
        {
            if (reads.Contains(root.Value))
            {
                return true;
            }
        }

        return false;
    }

    private int Begin(Root root, HashSet<Value> reads)
    {
        var own = new RowKernel("", _fuser.RowsOf(root));
        own.Roots.Add(root);
        _reading[own] = reads;
        _steps.Add(new KernelStep(own));
        return _steps.Count - 1;
    }

    /// <summary>What a kernel computes inline is either all ints or none of it; selections store what they like.</summary>
    private bool IsOfType(RowKernel kernel, Root root)
    {
        if (root.Kind == RootKind.Select)
        {
            return true;
        }

        var other = kernel.Roots.Find(r => r.Kind != RootKind.Select);
        return other is null || IsInt(other) == IsInt(root);
    }

    private bool IsInt(Root root) => graph.Type(root.Value).Element == ElementType.I32;

    /// <summary>The costly values that more than one kernel computes, without those that only serve another such value.</summary>
    private List<Value> Shared(List<Step> steps)
    {
        // Of each value the kernels that compute it, in order; most have one, and need no list.
        var first = new RowKernel?[graph.Nodes.Count];
        var kernels = new Dictionary<Value, List<RowKernel>>();
        foreach (var step in steps)
        {
            if (step is not KernelStep { Kernel: var kernel })
            {
                continue;
            }

            foreach (var root in kernel.Roots)
            {
                foreach (var v in _fuser.Computed(root))
                {
                    if (first[v.Node] is not { } before)
                    {
                        first[v.Node] = kernel;
                    }
                    else if (kernels.TryGetValue(v, out var list))
                    {
                        if (!ReferenceEquals(list[list.Count - 1], kernel))
                        {
                            list.Add(kernel);
                        }
                    }
                    else if (!ReferenceEquals(before, kernel))
                    {
                        kernels[v] = [before, kernel];
                    }
                }
            }
        }

        var costly = kernels
            .Where(p => !_fuser.IsRoot(p.Key) && graph.Nodes[p.Key.Node].Operation is Unary or Binary or Select or Reduce or CombineRows && IsCostly(p.Key))
            .ToDictionary(p => p.Key, p => p.Value);
        bool Serves(Value value) => Users(value).Any(c => costly.TryGetValue(c, out var set) && costly[value].TrueForAll(set.Contains));
        return [.. costly.Keys.Where(v => !Serves(v)).OrderBy(v => v.Node)];
    }

    /// <summary>The computations that use a value, looking through views.</summary>
    private IEnumerable<Value> Users(Value value)
    {
        foreach (var user in _users[value.Node] ?? [])
        {
            if (IndexFlow.IsView(graph.Nodes[user].Operation))
            {
                foreach (var further in Users(new(user)))
                {
                    yield return further;
                }
            }
            else
            {
                yield return new(user);
            }
        }
    }

    private static List<int>?[] UsersOf(Graph graph)
    {
        var users = new List<int>?[graph.Nodes.Count];
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            foreach (var input in graph.Nodes[i].Inputs)
            {
                (users[input.Node] ??= []).Add(i);
            }
        }

        return users;
    }

    /// <summary>Worth storing rather than computing twice: a reduction, a transcendental function, or something made of two stored tensors of its size.</summary>
    private bool IsCostly(Value value)
    {
        var found = false;
        var size = graph.Type(value).Size;
        var wide = new HashSet<Value>();
        var seen = new HashSet<Value>();
        void Walk(Value v)
        {
            if (found || !seen.Add(v))
            {
                return;
            }

            var node = graph.Nodes[v.Node];
            if (_fuser.IsStored(v))
            {
                if (graph.Type(v).Size.Equals(size) && !size.IsOne)
                {
                    wide.Add(v);
                }

                return;
            }

            found |= node.Operation is Reduce or CombineRows || IndexFlow.IsTranscendental(node.Operation);
            foreach (var input in node.Inputs)
            {
                Walk(input);
            }
        }

        Walk(value);
        return found || wide.Count > 1;
    }
}
