using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>Puts roots into kernels and everything into order: a root joins an earlier kernel over the same rows if all it reads is ready there.</summary>
internal sealed class Grouper(Graph graph, int forwardNodes, CancellationToken cancellation)
{
    private readonly Fuser _fuser = new(graph);
    private readonly List<int>[] _users = UsersOf(graph);

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
        var steps = new List<Step>();
        var ready = new Dictionary<Value, int>();
        var reading = new Dictionary<RowKernel, HashSet<Value>>();
        var forwardSteps = -1;
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            if (i == forwardNodes)
            {
                forwardSteps = steps.Count;
            }

            var node = graph.Nodes[i];
            var value = new Value(i);
            if (!IndexFlow.IsFusable(node.Operation))
            {
                if (node.Operation is not Leaf)
                {
                    steps.Add(node.Operation is Repeat ? new LoopStep(i, null!) : new TemplateStep(i));
                }

                for (var output = 0; output < node.Types.Count; output++)
                {
                    ready[new(i, output)] = node.Operation is Leaf ? -1 : steps.Count - 1;
                }
            }
            else if (_fuser.IsRoot(value))
            {
                var position = -1;
                foreach (var root in _fuser.RootsFor(value))
                {
                    position = Math.Max(position, Place(root, steps, ready, reading, Math.Max(forwardSteps, 0)));
                }

                ready[value] = position;
            }
        }

        return (steps, forwardSteps < 0 ? steps.Count : forwardSteps);
    }

    private int Place(Root root, List<Step> steps, Dictionary<Value, int> ready, Dictionary<RowKernel, HashSet<Value>> reading, int firstStep)
    {
        var rows = Fuser.RowsOf(_fuser.SpaceOf(root));
        int strict = -1, aligned = -1;
        var reads = new HashSet<Value>();
        _fuser.Visit(root, d =>
        {
            reads.Add(d.Value);
            if (d.Aligned)
            {
                aligned = Math.Max(aligned, ready[d.Value]);
            }
            else if (ready.TryGetValue(d.Value, out var at))
            {
                strict = Math.Max(strict, at);
            }
        });
        for (var i = steps.Count - 1; i >= firstStep && i > strict && i >= aligned; i--)
        {
            if (steps[i] is KernelStep { Kernel: var kernel } && kernel.Rows.Equals(rows) && IsInt(kernel.Roots[0]) == IsInt(root)
                && (reading[kernel].Overlaps(reads) || kernel.Roots.Any(r => reads.Contains(r.Value))))
            {
                kernel.Roots.Add(root);
                reading[kernel].UnionWith(reads);
                return i;
            }
        }

        var own = new RowKernel("", rows);
        own.Roots.Add(root);
        reading[own] = reads;
        steps.Add(new KernelStep(own));
        return steps.Count - 1;
    }

    private bool IsInt(Root root) => graph.Type(root.Value).Element == ElementType.I32;

    /// <summary>The costly values that more than one kernel computes, without those that only serve another such value.</summary>
    private List<Value> Shared(List<Step> steps)
    {
        var kernels = new Dictionary<Value, HashSet<RowKernel>>();
        foreach (var kernel in steps.OfType<KernelStep>().Select(s => s.Kernel))
        {
            foreach (var root in kernel.Roots)
            {
                _fuser.Visit(root, _ => { }, v =>
                {
                    if (!kernels.TryGetValue(v, out var set))
                    {
                        kernels[v] = set = [];
                    }

                    set.Add(kernel);
                });
            }
        }

        var costly = kernels
            .Where(p => p.Value.Count > 1 && !_fuser.IsRoot(p.Key) && graph.Nodes[p.Key.Node].Operation is Unary or Binary or Select or Reduce or CombineRows && IsCostly(p.Key))
            .ToDictionary(p => p.Key, p => p.Value);
        bool Serves(Value value) => Users(value).Any(c => costly.TryGetValue(c, out var set) && set.IsSupersetOf(costly[value]));
        return [.. costly.Keys.Where(v => !Serves(v)).OrderBy(v => v.Node)];
    }

    /// <summary>The computations that use a value, looking through views.</summary>
    private IEnumerable<Value> Users(Value value)
    {
        foreach (var user in _users[value.Node])
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

    private static List<int>[] UsersOf(Graph graph)
    {
        var users = graph.Nodes.Select(_ => new List<int>()).ToArray();
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            foreach (var input in graph.Nodes[i].Inputs)
            {
                users[input.Node].Add(i);
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
