using Mdl.Compiler.Planning;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Emission;

/// <summary>
/// Counts the operations and bytes of the launches of one scope, in their order: an operation that several kernels compute counts for the first of them
/// in what an unfused plan would move.
/// </summary>
internal sealed class KernelCosts(ScopePlan plan, bool cached)
{
    // Sizes are compared at these values of their symbols, to take the smaller one.
    private const long Typical = 128;

    private readonly ValueSet _counted = new(plan.Graph.Nodes.Count);

    // Of one launch, and of one of its kernels; cleared for the next.
    private readonly Traffic _traffic = new();
    private readonly Dictionary<Value, Dim> _needed = [];
    private readonly List<Value> _computed = [];
    private readonly HashSet<Value> _read = [];

    private Graph Graph => plan.Graph;

    /// <summary>The cost of one launch: operations that the runtime computes and the row kernels that run with them.</summary>
    public LaunchCost Of(IEnumerable<int> nodes, IEnumerable<RowKernel> kernels)
    {
        var traffic = _traffic;
        traffic.Clear();
        foreach (var node in nodes)
        {
            Add(node, traffic);
        }

        foreach (var kernel in kernels)
        {
            Add(kernel, traffic);
        }

        var bytes = Dim.Zero;
        foreach (var read in traffic.Reads)
        {
            bytes += traffic.Writes.Contains(read.Key) ? Dim.Zero : read.Value;
        }

        foreach (var written in traffic.Writes)
        {
            bytes += HasMemory(written) ? Bytes(Graph.Type(written)) : Dim.Zero;
        }

        return new(traffic.Flops.Total, bytes, traffic.Unfused.Total);
    }

    private bool HasMemory(Value value) => !(plan.Stored.TryGetValue(value, out var storage) && ProductStep.IsRows(storage));

    private void Add(RowKernel kernel, Traffic traffic)
    {
        var (needed, computed, read) = (_needed, _computed, _read);
        needed.Clear();
        computed.Clear();
        read.Clear();
        foreach (var root in kernel.Roots)
        {
            foreach (var dependency in plan.Fuser.Reads(root))
            {
                read.Add(dependency.Value);
            }

            computed.AddRange(plan.Fuser.Computed(root));
            needed[root.Value] = Graph.Type(root.Value).Size;
            computed.Add(root.Value);
            traffic.Writes.Add(root.Value);
        }

        // Consumers come before what they consume; what several roots compute stands next to itself.
        computed.Sort((a, b) => b.Node.CompareTo(a.Node));
        Value? before = null;
        foreach (var value in computed)
        {
            if (value == before)
            {
                continue;
            }

            before = value;
            var node = Graph.Nodes[value.Node];
            var wanted = needed.TryGetValue(value, out var known) ? known : Graph.Type(value).Size;
            traffic.Flops.Add(Flops(node, wanted));
            for (var i = 0; i < node.Inputs.Count; i++)
            {
                var input = node.Inputs[i];
                var size = Graph.Type(input).Size;
                if (!needed.TryGetValue(input, out var already))
                {
                    needed[input] = Smaller(Wanted(node, i, wanted), size);
                }
                else if (!already.Equals(size))
                {
                    needed[input] = Smaller(already + Wanted(node, i, wanted), size);
                }
            }

            if (_counted.Add(value))
            {
                AddUnfused(node, traffic.Unfused);
            }
        }

        foreach (var value in read)
        {
            traffic.Reads[value] = (needed.TryGetValue(value, out var wanted) ? wanted : Graph.Type(value).Size) * BytesOf(Graph.Type(value).Element);
        }
    }

    private void Add(int number, Traffic traffic)
    {
        var node = Graph.Nodes[number];
        AddOutputs(node, traffic.Unfused);
        for (var i = 0; i < node.Types.Count; i++)
        {
            traffic.Writes.Add(new(number, i));
        }

        for (var i = 0; i < node.Inputs.Count; i++)
        {
            var type = Graph.Type(node.Inputs[i]);
            if (plan.Fuser.GatheredInput(node, i) is { } gathered)
            {
                foreach (var value in gathered.Inputs)
                {
                    traffic.Reads[value] = Bytes(Graph.Type(value));
                }

                // Unfused, the rows are read, written and read again.
                traffic.Unfused.Add(type.Size, BytesOf(type.Element) * 3);
            }
            else
            {
                var bytes = node.Operation is GroupedContract && i == 1 ? Experts(type, node.Types[0].Shape[0]) : Bytes(type);
                // What the kernels of the launch store is known by its memory.
                var memory = plan.Fuser.TemplateInput(node, i).Base;
                traffic.Reads[Graph.Type(memory).Size.Equals(type.Size) ? memory : node.Inputs[i]] = bytes;
                traffic.Unfused.Add(bytes);
            }
        }

        traffic.Flops.Add(TemplateFlops(node));
        traffic.Unfused.Add(Scores(node));
    }

    /// <summary>Elements of input number i that a node reads when so many of its own are wanted.</summary>
    private Dim Wanted(Node node, int i, Dim wanted) => node.Operation switch
    {
        Reshape or Transpose or Slice or Unary or Binary or Select => wanted,
        Gather or GatherRows or TakeAlong when i == 0 => wanted,
        _ => Graph.Type(node.Inputs[i]).Size,
    };

    private Dim Flops(Node node, Dim wanted) => node.Operation switch
    {
        Unary { Function: UnaryFunction.StopGradient } => Dim.Zero,
        Unary or Binary or Select => wanted,
        Reduce or CombineRows or Top => Graph.Type(node.Inputs[0]).Size,
        _ => Dim.Zero,
    };

    private void AddUnfused(Node node, Sum bytes)
    {
        if (node.Operation is Unary { Function: UnaryFunction.StopGradient } or Reshape or Transpose or Slice or Broadcast or Leaf)
        {
            return;
        }

        for (var i = 0; i < node.Inputs.Count; i++)
        {
            var type = node.Operation is Gather && i == 0 ? node.Types[0] : Graph.Type(Viewed(node.Inputs[i]));
            bytes.Add(type.Size, BytesOf(type.Element));
        }

        AddOutputs(node, bytes);
    }

    private static void AddOutputs(Node node, Sum bytes)
    {
        foreach (var type in node.Types)
        {
            bytes.Add(type.Size, BytesOf(type.Element));
        }
    }

    /// <summary>What is read where a view of it is: the tensor under broadcasts, and no more of it than a slice.</summary>
    private Value Viewed(Value value)
    {
        while (Graph.Nodes[value.Node] is { Operation: Broadcast or Reshape or Transpose } view)
        {
            value = view.Inputs[0];
        }

        return value;
    }

    private Dim TemplateFlops(Node node)
    {
        TensorType In(int i) => Graph.Type(node.Inputs[i]);
        switch (node.Operation)
        {
            case Contract contract:
                return node.Types[0].Size * (contract.TransposeLeft ? In(0).Shape[In(0).Rank - 2] : In(0).Last) * 2;
            case GroupedContract:
                return node.Types[0].Size * In(0).Last * 2;
            case GroupedOuter:
                return In(0).Size * In(1).Last * 2;
            case Attend attend:
                return TwicePairs(attend.Mask, attend.Window, In(0), In(1)) * (In(0).Last + In(2).Last);
            case AttendGradient gradient:
                return TwicePairs(gradient.Mask, gradient.Window, In(0), In(1)) * ((In(0).Last * 3) + (In(2).Last * 2));
            case LinearCrossEntropy:
                return In(0).Size * In(1).Shape[0] * 2;
            case LinearCrossEntropyGradient { OfWeights: false } or LinearCrossEntropyWithGradient { OfWeights: false }:
                return In(0).Size * In(1).Shape[0] * 4;
            case LinearCrossEntropyGradient or LinearCrossEntropyWithGradient:
                return In(0).Size * In(1).Shape[0] * 6;
            case GatherGradient:
                return In(1).Size;
            case Top:
                return In(0).Size;
            default:
                return Dim.Zero;
        }
    }

    /// <summary>Twice the number of scores that a mask leaves, over batches and heads.</summary>
    private Dim TwicePairs(AttentionMask mask, int window, TensorType queries, TensorType keys)
    {
        var (length, heads) = (queries.Shape[1], queries.Shape[0] * queries.Shape[2]);
        var past = cached ? Dim.Symbol("past") : Dim.Zero;
        return mask == AttentionMask.None ? heads * length * keys.Shape[1] * 2
            : window > 0 ? heads * length * Dim.Symbol($"Math.Min({window}L, {Expressions.Size(length + past)})") * 2
            : heads * length * ((past * 2) + length + 1);
    }

    /// <summary>What plain products and a softmax would move besides, with all scores in memory.</summary>
    private Dim Scores(Node node)
    {
        TensorType In(int i) => Graph.Type(node.Inputs[i]);
        Dim All() => In(0).Shape[0] * In(0).Shape[2] * In(0).Shape[1] * (In(1).Shape[1] + (cached ? Dim.Symbol("past") : Dim.Zero)) * 4;
        return node.Operation switch
        {
            // Written, read and written by the softmax, read.
            Attend => All() * 4,
            // The gradient of the probabilities is written; the softmax reads both and writes; two products read that, a third the probabilities.
            AttendGradient => All() * 7,
            // Written, read by the softmax.
            LinearCrossEntropy => In(0).Shape[0] * In(1).Shape[0] * 8,
            // Read, written as the gradient, read by two products.
            LinearCrossEntropyGradient { OfWeights: false } => In(0).Shape[0] * In(1).Shape[0] * 12,
            LinearCrossEntropyWithGradient { OfWeights: false } => In(0).Shape[0] * In(1).Shape[0] * 20,
            LinearCrossEntropyGradient => In(0).Shape[0] * In(1).Shape[0] * 16,
            LinearCrossEntropyWithGradient => In(0).Shape[0] * In(1).Shape[0] * 24,
            _ => Dim.Zero,
        };
    }

    /// <summary>The weights of the experts that rows go to: all of them, unless there are fewer rows.</summary>
    private static Dim Experts(TensorType weights, Dim rows)
    {
        var experts = rows.IsConstant ? (Dim)Math.Min(rows.Constant, weights.Shape[0].Constant) : Dim.Symbol($"Math.Min({Expressions.Size(weights.Shape[0])}, {Expressions.Size(rows)})");
        return experts * Dim.Product(weights.Shape.Skip(1)) * BytesOf(weights.Element);
    }

    private static Dim Bytes(TensorType type) => type.Size * BytesOf(type.Element);

    private static long BytesOf(ElementType element) => element switch
    {
        ElementType.F32 or ElementType.I32 => 4,
        _ => throw new InvalidOperationException($"{element} has no size"),
    };

    private static Dim Smaller(Dim left, Dim right) => left.Equals(right) || At(left) < At(right) ? left : right;

    private static long At(Dim dim) => dim.EvaluateAll(Typical);

    /// <summary>What the parts of a launch move and compute.</summary>
    private sealed class Traffic
    {
        public Dictionary<Value, Dim> Reads { get; } = [];

        public HashSet<Value> Writes { get; } = [];

        public Sum Flops { get; } = new();

        public Sum Unfused { get; } = new();

        public void Clear()
        {
            Reads.Clear();
            Writes.Clear();
            Flops.Clear();
            Unfused.Clear();
        }
    }

    /// <summary>A sum with many terms of few different sizes: equal ones are counted, so that only different ones are added as polynomials.</summary>
    private sealed class Sum
    {
        private readonly Dictionary<Dim, long> _times = [];

        public Dim Total
        {
            get
            {
                var total = Dim.Zero;
                foreach (var term in _times)
                {
                    total += term.Key * term.Value;
                }

                return total;
            }
        }

        public void Clear() => _times.Clear();

        public void Add(Dim size, long times = 1) => _times[size] = _times.TryGetValue(size, out var before) ? before + times : times;
    }
}
