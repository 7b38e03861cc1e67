namespace Mdl.Dsl.Graphs;

/// <summary>
/// Builds a graph node by node, checks every shape rule, and gives equal pure computations one node.
/// The helper methods insert the broadcasts that the graph wants explicit.
/// </summary>
/// <param name="capacity">How many nodes to make room for at once.</param>
public sealed class GraphBuilder(int capacity = 0)
{
    private readonly List<Node> _nodes = new(capacity);
    private readonly NodeTable _known = new(capacity);

    public int Count => _nodes.Count;

    /// <summary>Origin and name given to nodes added from now on.</summary>
    public Origin Origin { get; set; } = Origin.None;

    public Node this[int node] => _nodes[node];

    public TensorType Type(Value value) => _nodes[value.Node].Types[value.Output];

    /// <exception cref="ShapeException">The inputs do not fit the operation.</exception>
    public Value Add(Operation operation, params IEnumerable<Value> inputs) => AddNode(operation, inputs.ToEquatableArray(), "");

    /// <exception cref="ShapeException">The inputs do not fit the operation.</exception>
    public Value Add(Operation operation, params ReadOnlySpan<Value> inputs) => AddNode(operation, EquatableArray.Create(inputs), "");

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
        if (!NodeTable.Holds(operation))
        {
            return Append(new(operation, inputs, operation.Infer(Types(inputs)), Origin, name));
        }

        var hash = NodeTable.Hash(operation, inputs);
        var known = _known.Find(_nodes, hash, operation, inputs);
        return known >= 0 ? Value.Of(known) : Append(hash, new(operation, inputs, operation.Infer(Types(inputs)), Origin, name));
    }

    /// <summary>
    /// A node of another graph, on inputs of the types that it has there: its own types are right as they are, and a node that stays the same is the same object.
    /// </summary>
    public Value Copy(Node node, EquatableArray<Value> inputs)
    {
        var copy = inputs == node.Inputs ? node : null;
        if (!NodeTable.Holds(node.Operation))
        {
            return Append(copy ?? node with { Inputs = inputs });
        }

        var hash = NodeTable.Hash(node.Operation, inputs);
        var known = _known.Find(_nodes, hash, node.Operation, inputs);
        return known >= 0 ? Value.Of(known) : Append(hash, copy ?? node with { Inputs = inputs });
    }

    private Value Append(int hash, Node node)
    {
        var value = Append(node);
        _known.Add(_nodes, hash, value.Node);
        return value;
    }

    private Value Append(Node node)
    {
        _nodes.Add(node);
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
        _nodes[node] = old with { Operation = operation, Types = types };
        if (NodeTable.Holds(operation))
        {
            _known.Add(_nodes, NodeTable.Hash(operation, old.Inputs), node);
        }
    }

    public Graph Build(params IEnumerable<Value> outputs)
    {
        _known.Release();
        return new(_nodes.ToEquatableArray(), outputs.ToEquatableArray());
    }

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
}
