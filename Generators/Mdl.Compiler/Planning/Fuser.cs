using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>
/// A stored value that a root reads; Aligned if it is read in the root's own row, so that both may be in one kernel. RowsPerRow is 1 then also for
/// what no row kernel computes, or more if so many consecutive rows of the root read the same row of the value, or 0.
/// </summary>
internal sealed record Dependency(Value Value, bool Aligned, long RowsPerRow = 0);

/// <summary>What a root reads from memory, and every fusable value that it computes.</summary>
internal sealed class Expression
{
    public List<Dependency> Reads { get; } = [];

    public List<Value> Computes { get; } = [];

    /// <summary>Whether what it reads depends on which values are stored beyond those that it computes.</summary>
    public bool IsCut { get; set; }
}

/// <summary>
/// Decides which values of a graph are stored and which are computed inline where they are used. Roots are the fusable values that must be stored:
/// inputs of template operations, outputs, reductions across rows, and what <see cref="Visit"/> finds that it cannot follow by digits.
/// </summary>
internal sealed partial class Fuser
{
    private readonly Graph _graph;
    private readonly HashSet<Value> _roots = [];
    private readonly Queue<Value> _pending = [];
    private readonly Dictionary<Root, Expression> _visits = [];
    private readonly List<Root>?[] _computing;
    private readonly List<Root> _cut = [];
    private readonly Dictionary<Value, bool> _transcendental = [];
    private readonly Dictionary<EquatableArray<Dim>, Linear[]> _rootIndices = [];
    private readonly Dictionary<Place, Linear[]?[]> _flows = [];

    // Where the walk over one expression has been.
    private readonly HashSet<Place> _seen = [];

    // What templates read; forgotten when a new root may change it.
    private readonly Dictionary<Node, StridedView?[]> _templateInputs = new(new SameObject<Node>());

    // Made once, not for each view.
    private readonly Func<Value, bool> _isStored;

    public Fuser(Graph graph)
    {
        _graph = graph;
        _computing = new List<Root>?[graph.Nodes.Count];
        _isStored = IsStored;
        foreach (var output in graph.Outputs)
        {
            Require(DenseBase(output));
        }

        foreach (var node in graph.Nodes)
        {
            for (var i = 0; i < node.Inputs.Count && !IndexFlow.IsFusable(node.Operation); i++)
            {
                if (GatheredInput(node, i) is { } gathered)
                {
                    Require(TemplateInput(gathered, 0).Base);
                    Require(TemplateInput(gathered, 1).Base);
                }
                else
                {
                    Require(TemplateInput(node, i).Base);
                }
            }
        }

        Close();
    }

    public bool IsRoot(Value value) => _roots.Contains(value);

    public bool IsStored(Value value) => _roots.Contains(value) || !IndexFlow.IsFusable(_graph.Nodes[value.Node].Operation);

    /// <summary>Stores a value that several kernels would compute, then whatever that makes necessary.</summary>
    public void Share(IEnumerable<Value> values)
    {
        foreach (var value in values)
        {
            Require(value);
        }

        Close();
    }

    /// <summary>The memory that a template reads as its input.</summary>
    public StridedView TemplateInput(Node node, int input)
    {
        if (!_templateInputs.TryGetValue(node, out var views))
        {
            _templateInputs[node] = views = new StridedView?[node.Inputs.Count];
        }

        return views[input] ??= FindTemplateInput(node, input);
    }

    private StridedView FindTemplateInput(Node node, int input)
    {
        var value = node.Inputs[input];
        var view = StridedView.Of(_graph, value, _isStored);
        if (Accepts(node.Operation, input, view))
        {
            return view;
        }

        return Above(value, DenseBase(value)) is { IsDense: true } reshaped ? reshaped : StridedView.Dense(_graph, value);
    }

    /// <summary>The view as which a value is seen in the memory of another one, whether that is stored or not.</summary>
    private StridedView Above(Value view, Value stored) => StridedView.Of(_graph, view, v => v == stored || IsStored(v));

    /// <summary>The rows chosen by index that a grouped product gathers while it reads, so that it does not need them stored; null for any other input.</summary>
    public Node? GatheredInput(Node node, int input) =>
        (node.Operation is GroupedContract && input == 0) || (node.Operation is GroupedOuter && input < 2)
            ? _graph.Nodes[node.Inputs[input].Node] is { Operation: GatherRows } gathered ? gathered : null
            : null;

    /// <summary>The value under any reshapes: in dense memory they are the same.</summary>
    public Value DenseBase(Value value)
    {
        while (!_roots.Contains(value) && _graph.Nodes[value.Node].Operation is Reshape)
        {
            value = _graph.Nodes[value.Node].Inputs[0];
        }

        return value;
    }

    /// <summary>Whether a row kernel can compute a node that it does not compute inline: a selection that reads no weights, which may be in any format.</summary>
    public bool IsSelection(Node node)
    {
        if (!IndexFlow.IsSelection(node.Operation))
        {
            return false;
        }

        for (var i = 0; i < node.Inputs.Count; i++)
        {
            if (_graph.Nodes[TemplateInput(node, i).Base.Node].Operation is Parameter)
            {
                return false;
            }
        }

        return true;
    }

    public RootKind KindOf(Value value)
    {
        if (IndexFlow.IsSelection(_graph.Nodes[value.Node].Operation))
        {
            return RootKind.Select;
        }

        if (_graph.Nodes[value.Node].Operation is not Reduce reduce)
        {
            return RootKind.Store;
        }

        var shape = _graph.Type(_graph.Nodes[value.Node].Inputs[0]).Shape;
        var last = shape.Count - 1;
        if (reduce.Axes.Contains(last))
        {
            return RootKind.Store;
        }

        for (var i = 0; i < last; i++)
        {
            if (!reduce.Axes.Contains(i) && !shape[i].IsOne)
            {
                return RootKind.SerialReduce;
            }
        }

        return reduce.Function == ReduceFunction.Sum ? RootKind.ColumnReduce : RootKind.SerialReduce;
    }

    /// <summary>The shape whose rows and columns a root's kernel runs over.</summary>
    public EquatableArray<Dim> SpaceOf(Root root) => TypeOfSpace(root).Shape;

    private TensorType TypeOfSpace(Root root) =>
        _graph.Type(root.Kind == RootKind.ColumnReduce ? _graph.Nodes[root.Value.Node].Inputs[0] : root.Value);

    /// <summary>How many rows a root's kernel runs over.</summary>
    public Dim RowsOf(Root root) => TypeOfSpace(root).Leading.Size;

    /// <summary>
    /// Walks the expression of a root; reports what it reads from memory and every fusable value that it computes. Calls <see cref="Require"/> for what
    /// must be stored first.
    /// </summary>
    public void Visit(Root root, Action<Dependency> reads, Action<Value>? computes = null)
    {
        var visit = ExpressionOf(root);
        visit.Reads.ForEach(reads);
        if (computes is not null)
        {
            visit.Computes.ForEach(computes);
        }
    }

    /// <summary>What a root reads from memory.</summary>
    public List<Dependency> Reads(Root root) => ExpressionOf(root).Reads;

    /// <summary>The fusable values that a root computes.</summary>
    public List<Value> Computed(Root root) => ExpressionOf(root).Computes;

    private Expression ExpressionOf(Root root)
    {
        if (!_visits.TryGetValue(root, out var visit))
        {
            visit = new();
            var roots = _roots.Count;
            Explore(root, visit);
            if (_roots.Count == roots)
            {
                Remember(root, visit);
            }
        }

        return visit;
    }

    private void Remember(Root root, Expression visit)
    {
        _visits[root] = visit;
        if (visit.IsCut)
        {
            _cut.Add(root);
        }

        foreach (var value in visit.Computes)
        {
            (_computing[value.Node] ??= []).Add(root);
        }
    }

    /// <summary>Forgets the expressions that a new root changes.</summary>
    private void Forget(Value value)
    {
        if (_computing[value.Node] is { } computing)
        {
            computing.ForEach(r => _visits.Remove(r));
            _computing[value.Node] = null;
        }

        _cut.ForEach(r => _visits.Remove(r));
        _cut.Clear();
    }

    /// <summary>
    /// The stored values that a root reads anywhere but at the element that it computes: a value whose every read is at that element may be overwritten by it.
    /// </summary>
    public HashSet<Value> ReadElsewhere(Root root)
    {
        var elsewhere = new HashSet<Value>();
        var space = TypeOfSpace(root);
        var own = root.Kind is RootKind.Store or RootKind.ColumnReduce ? IndexFlow.Flatten(space.Strides, RootIndex(space.Shape)) : null;
        Explore(root, new(), (value, at) =>
        {
            if (at is null || own is null || !IndexFlow.Flatten(_graph.Type(value).Strides, at).Equals(own))
            {
                elsewhere.Add(value);
            }
        });
        return elsewhere;
    }

    private void Explore(Root root, Expression visit, Action<Value, Linear[]?>? reads = null)
    {
        var rows = RowsOf(root);
        _seen.Clear();
        var node = _graph.Nodes[root.Value.Node];
        var at = RootIndex(SpaceOf(root));
        switch (root.Kind)
        {
            case RootKind.ColumnReduce:
                Walk(node.Inputs[0], at, false);
                break;
            case RootKind.SerialReduce:
                Walk(node.Inputs[0], ReducedIndex(node, at), false);
                break;
            case RootKind.Select:
                for (var i = 0; i < node.Inputs.Count; i++)
                {
                    var view = TemplateInput(node, i);
                    var isOwn = IsOwnRow(rows, view) && (!_roots.Contains(view.Base) || (KindOf(view.Base) == RootKind.Store && !IsAssembled(view.Base)));
                    visit.Reads.Add(new(view.Base, isOwn, isOwn ? 1 : 0));
                    reads?.Invoke(view.Base, null);
                }

                // Which memory holds an input depends on what is stored.
                visit.IsCut = true;
                break;
            default:
                Walk(root.Value, at, root.Concat is null);
                break;
        }

        void Walk(Value value, Linear[] index, bool isRoot)
        {
            if (!_seen.Add(new(value, index)) && !isRoot)
            {
                return;
            }

            var type = _graph.Type(value);
            var self = _graph.Nodes[value.Node];
            if (!IndexFlow.IsFusable(self.Operation))
            {
                visit.Reads.Add(new(value, IsOwnRow(rows, type, index), RowsPerRow(type, index)));
                reads?.Invoke(value, index);
                return;
            }

            if (!isRoot && _roots.Contains(value))
            {
                visit.Reads.Add(new(value, KindOf(value) == RootKind.Store && !IsAssembled(value) && IsOwnRow(rows, type, index)));
                reads?.Invoke(value, index);
                return;
            }

            visit.Computes.Add(value);
            switch (self.Operation)
            {
                case Reduce:
                    if (KindOf(value) != RootKind.Store || !IsRow(rows, type, index))
                    {
                        Cut(value);
                        return;
                    }

                    var inner = (Linear[])index.Clone();
                    inner[inner.Length - 1] = Linear.Column;
                    Walk(self.Inputs[0], inner, false);
                    return;
                case Concat when !IndexFlow.ChoosesByColumn(_graph, self, index):
                    if (isRoot)
                    {
                        throw new InvalidOperationException("an assembled concatenation has no expression");
                    }

                    Cut(value);
                    return;
                case Broadcast when StretchesRows(self) && IsTranscendental(self.Inputs[0]):
                    Cut(DenseBase(self.Inputs[0]));
                    return;
                case Gather or GatherRows or CombineRows:
                    Cut(DenseBase(self.Inputs[1]));
                    Indirect(value, self, index);
                    return;
            }

            for (var i = 0; i < self.Inputs.Count; i++)
            {
                if (Into(value, i, index) is { } into)
                {
                    Walk(self.Inputs[i], into, false);
                }
                else
                {
                    Cut(Beneath(value).Base is var below && below != value ? below : self.Inputs[0]);
                }
            }
        }

        void Indirect(Value value, Node self, Linear[] index)
        {
            if (Into(value, 0, index) is not { } first)
            {
                Cut(value);
            }
            else if (self.Operation is CombineRows combine)
            {
                for (var slot = 0; slot < combine.Slots; slot++)
                {
                    Walk(self.Inputs[0], IndexFlow.IntoSlot(self, slot, index)!, false);
                }
            }
            else if (self.Operation is not GatherRows { Slots: 1 } && IsTranscendental(self.Inputs[0]))
            {
                // A row is chosen by several others.
                Cut(DenseBase(self.Inputs[0]));
            }
            else
            {
                Walk(self.Inputs[0], first, false);
            }
        }

        void Cut(Value value)
        {
            Require(value);
            visit.IsCut = true;
            visit.Reads.Add(new(value, false));
            reads?.Invoke(value, null);
        }
    }

    /// <summary>A stored concatenation whose operands are written to their places one by one.</summary>
    public bool IsAssembled(Value value) =>
        _graph.Nodes[value.Node] is { Operation: Concat } node && !IndexFlow.ChoosesByColumn(_graph, node, RootIndex(_graph.Type(value).Shape));

    /// <summary>The memory that a view reads, even if the view itself is stored. A method of its own, so that the walks make no closure at every value.</summary>
    public StridedView Beneath(Value view) => StridedView.Of(_graph, view, v => v != view && IsStored(v));

    private bool StretchesRows(Node broadcast)
    {
        var from = _graph.Type(broadcast.Inputs[0]);
        return from.Rank > 0 && !from.Leading.Size.Equals(broadcast.Types[0].Leading.Size);
    }

    private bool IsTranscendental(Value value)
    {
        if (_roots.Contains(value) || !IndexFlow.IsFusable(_graph.Nodes[value.Node].Operation))
        {
            return false;
        }

        if (!_transcendental.TryGetValue(value, out var known))
        {
            var node = _graph.Nodes[value.Node];
            // A value without a vector axis is one number; computing it again costs nothing worth storing.
            known = IndexFlow.IsTranscendental(node.Operation) || node.Operation is CombineRows || IsTranscendental(node.Inputs);
            _transcendental[value] = known;
        }

        return known;
    }

    private bool IsTranscendental(EquatableArray<Value> values)
    {
        foreach (var value in values)
        {
            if (IsTranscendental(value))
            {
                return true;
            }
        }

        return false;
    }

    private void Require(Value value)
    {
        if (IndexFlow.IsFusable(_graph.Nodes[value.Node].Operation) && _roots.Add(value))
        {
            Forget(value);
            _templateInputs.Clear();
            _pending.Enqueue(value);
        }
    }

    private void Close()
    {
        while (_pending.Count > 0)
        {
            foreach (var root in RootsFor(_pending.Dequeue()))
            {
                Visit(root, _ => { });
            }
        }
    }

    /// <summary>The kernel roots that store a value: itself, or the operands of an assembled concatenation.</summary>
    public IEnumerable<Root> RootsFor(Value value) => IsAssembled(value)
        ? _graph.Nodes[value.Node].Inputs.Select((v, i) => new Root(v, RootKind.Store, value, i))
        : [new Root(value, KindOf(value))];

    private static bool Accepts(Operation operation, int input, StridedView view) => operation switch
    {
        Contract => view.Strides[view.Strides.Count - 1].IsOne || view.Strides[view.Strides.Count - 2].IsOne,
        Attend or AttendGradient when input < 3 => view.Strides[3].IsOne && view.Strides[2].Equals(view.Shape[3])
            && view.Strides[0].Equals(view.Strides[1] * view.Shape[1]),
        _ => view.IsDense,
    };
}
