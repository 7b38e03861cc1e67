namespace Mdl.Dsl.Graphs;

/// <summary>
/// Builds a graph node by node, checks every shape rule, and gives equal pure computations one node.
/// The helper methods insert the broadcasts that the graph wants explicit.
/// </summary>
/// <param name="capacity">How many nodes to make room for at once.</param>
public sealed class GraphBuilder(int capacity = 0)
{
    private readonly List<Node> _nodes = new(capacity);
    private readonly Dictionary<Computation, int> _known = new(capacity);

    public int Count => _nodes.Count;

    /// <summary>Origin and name given to nodes added from now on.</summary>
    public Origin Origin { get; set; } = Origin.None;

    public Node this[int node] => _nodes[node];

    public TensorType Type(Value value) => _nodes[value.Node].Types[value.Output];

    /// <exception cref="ShapeException">The inputs do not fit the operation.</exception>
    public Value Add(Operation operation, params IEnumerable<Value> inputs) => AddNode(operation, inputs.ToEquatableArray(), "");

    /// <summary>All outputs of an operation with several.</summary>
    public EquatableArray<Value> AddAll(Operation operation, params IEnumerable<Value> inputs)
    {
        var first = Add(operation, inputs);
        var outputs = new Value[_nodes[first.Node].Types.Count];
        for (var i = 0; i < outputs.Length; i++)
        {
            outputs[i] = new(first.Node, i);
        }

        return new(outputs);
    }

    public Value AddNode(Operation operation, EquatableArray<Value> inputs, string name)
    {
        var computation = new Computation(operation, inputs);
        if (computation.IsShared && _known.TryGetValue(computation, out var known))
        {
            return Value.Of(known);
        }

        var types = operation.Infer(Types(inputs));
        return Append(computation, new(operation, inputs, types, Origin, name));
    }

    /// <summary>
    /// A node of another graph, on inputs of the types that it has there: its own types are right as they are, and a node that stays the same is the same object.
    /// </summary>
    public Value Copy(Node node, EquatableArray<Value> inputs)
    {
        var computation = new Computation(node.Operation, inputs);
        return computation.IsShared && _known.TryGetValue(computation, out var known)
            ? Value.Of(known)
            : Append(computation, inputs == node.Inputs ? node : node with { Inputs = inputs });
    }

    private Value Append(Computation computation, Node node)
    {
        _nodes.Add(node);
        if (computation.IsShared)
        {
            _known[computation] = _nodes.Count - 1;
        }

        return Value.Of(_nodes.Count - 1);
    }

    /// <summary>Names a value after the source's variable, unless it has a name already.</summary>
    public void Name(Value value, string name)
    {
        if (_nodes[value.Node].Name.Length == 0)
        {
            _nodes[value.Node] = _nodes[value.Node] with { Name = name };
        }
    }

    /// <summary>Replaces the operation of a node by one with the same outputs and possibly more after them.</summary>
    public void Extend(int node, Operation operation)
    {
        var old = _nodes[node];
        var types = operation.Infer(Types(old.Inputs));
        Shapes.Require(types.Take(old.Types.Count).SequenceEqual(old.Types), $"{operation} does not have the outputs of {old.Operation}");
        if (operation is not Repeat)
        {
            _known.Remove(new(old.Operation, old.Inputs));
            _known[new(operation, old.Inputs)] = node;
        }

        _nodes[node] = old with { Operation = operation, Types = types };
    }

    public Graph Build(params IEnumerable<Value> outputs) => new(_nodes.ToEquatableArray(), outputs.ToEquatableArray());

    public Value Constant(double value) => Add(new Constant(value));

    public Value Unary(UnaryFunction function, Value x) => Add(new Unary(function), x);

    /// <summary>Elementwise with numpy's right-aligned broadcasting.</summary>
    public Value Binary(BinaryFunction function, Value x, Value y)
    {
        var shape = Shapes.Broadcast(Type(x).Shape, Type(y).Shape);
        return Add(new Binary(function), Broadcast(x, shape), Broadcast(y, shape));
    }

    public Value Binary(BinaryFunction function, Value x, double y) => Binary(function, x, Constant(y));

    public Value Select(Value condition, Value x, Value y)
    {
        var shape = Shapes.Broadcast(Type(condition).Shape, Shapes.Broadcast(Type(x).Shape, Type(y).Shape));
        return Add(new Select(), Broadcast(condition, shape), Broadcast(x, shape), Broadcast(y, shape));
    }

    public Value Broadcast(Value x, EquatableArray<Dim> shape) => Type(x).Shape == shape ? x : Add(new Broadcast(shape), x);

    public Value Reshape(Value x, params IEnumerable<Dim> shape)
    {
        var target = shape.ToEquatableArray();
        return Type(x).Shape == target ? x : Add(new Reshape(target), x);
    }

    public Value Slice(Value x, int axis, Dim start, Dim length) =>
        start.Equals(Dim.Zero) && length.Equals(Type(x).Shape[axis]) ? x : Add(new Slice(axis, start, length), x);

    public Value Transpose(Value x, params IEnumerable<int> permutation) => Add(new Transpose(permutation.ToEquatableArray()), x);

    /// <summary>Reduces the given axes to size 1.</summary>
    public Value Reduce(ReduceFunction function, Value x, params IEnumerable<int> axes)
    {
        var shape = Type(x).Shape;
        var kept = axes.Where(a => !shape[a].IsOne).OrderBy(a => a).ToEquatableArray();
        return kept.Count == 0 ? x : Add(new Reduce(function, kept), x);
    }

    private EquatableArray<TensorType> Types(EquatableArray<Value> values)
    {
        var types = new TensorType[values.Count];
        for (var i = 0; i < types.Length; i++)
        {
            types[i] = Type(values[i]);
        }

        return new(types);
    }

    private readonly struct Computation(Operation operation, EquatableArray<Value> inputs) : IEquatable<Computation>
    {
        private readonly Operation _operation = operation;
        private readonly EquatableArray<Value> _inputs = inputs;

        /// <summary>
        /// Two repetitions are never equal: their parameters differ. To compare their bodies would cost more than all other nodes together.
        /// </summary>
        public bool IsShared => _operation is not Repeat;

        public bool Equals(Computation other) => _inputs == other._inputs && _operation.Equals(other._operation);

        public override bool Equals(object? obj) => obj is Computation other && Equals(other);

        public override int GetHashCode() => unchecked((_operation.GetHashCode() * 31) + _inputs.GetHashCode());
    }
}
