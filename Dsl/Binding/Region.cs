using System.Globalization;
using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Binding;

/// <summary>
/// A graph under construction: that of the model, or the body of a repetition. A body finds out while it is elaborated which outer values it
/// uses; each becomes a placeholder input, put in its right place when the body is assembled.
/// </summary>
internal sealed class Region(Region? parent, int repeats, int firstIndex)
{
    private readonly Dictionary<Value, Value> _captured = [];
    private readonly Dictionary<string, Value> _sliced = new(StringComparer.Ordinal);
    private int _placeholders;

    public Region? Parent { get; } = parent;

    /// <summary>Iterations of the repetition, 0 for the model itself.</summary>
    public int Repeats { get; } = repeats;

    public int FirstIndex { get; } = firstIndex;

    public GraphBuilder Builder { get; } = new();

    /// <summary>Outer values that every iteration sees whole, with their placeholders.</summary>
    public List<(Value Outer, Value Inner)> Invariants { get; } = [];

    /// <summary>Outer tensors of which iteration i sees slice i, with their placeholders.</summary>
    public List<(Value Outer, Value Inner)> Slices { get; } = [];

    public List<Value> Losses { get; } = [];

    public List<(string Name, Value Value)> Loads { get; } = [];

    public List<(string Name, Value Value)> States { get; } = [];

    public Value Placeholder(TensorType type) =>
        Builder.Add(new Input("@" + (_placeholders++).ToString(CultureInfo.InvariantCulture), type));

    /// <summary>The value under which this region sees a value of itself or of a region around it.</summary>
    public Value Import(Region region, Value value)
    {
        if (ReferenceEquals(region, this))
        {
            return value;
        }

        if (Parent is null)
        {
            throw new InvalidOperationException("a value of an inner region does not reach its outer region");
        }

        var outer = Parent.Import(region, value);
        if (!_captured.TryGetValue(outer, out var inner))
        {
            inner = Placeholder(Parent.Builder.Type(outer));
            _captured[outer] = inner;
            Invariants.Add((outer, inner));
        }

        return inner;
    }

    /// <summary>A parameter of one iteration: a slice of the stacked one.</summary>
    public Value Parameter(string key, EquatableArray<Dim> shape)
    {
        if (Repeats == 0)
        {
            return Builder.Add(new Parameter(key, new TensorType(ElementType.F32, shape)));
        }

        if (!_sliced.TryGetValue(key, out var inner))
        {
            var outer = Parent!.Builder.Add(new Parameter(key, new TensorType(ElementType.F32, [Repeats, .. shape])));
            Parent.Builder.Name(outer, key);
            inner = Placeholder(new TensorType(ElementType.F32, shape));
            Builder.Name(inner, key.Substring(key.LastIndexOf('.') + 1));
            _sliced[key] = inner;
            Slices.Add((outer, inner));
        }

        return inner;
    }

    /// <summary>A graph of what the outputs need; the inputs come first, in this order, and stay even where nothing uses them.</summary>
    public Graph Assemble(IReadOnlyList<Value> inputs, IReadOnlyList<Value> outputs)
    {
        var live = Live(outputs);
        var places = new int[Builder.Count];
        var nodes = new List<Node>();
        for (var i = 0; i < inputs.Count; i++)
        {
            var name = Parent is null ? ((Input)Builder[inputs[i].Node].Operation).Name : "#" + i.ToString(CultureInfo.InvariantCulture);
            var node = Builder[inputs[i].Node];
            places[inputs[i].Node] = nodes.Count;
            nodes.Add(node with { Operation = new Input(name, node.Types[0]) });
            live[inputs[i].Node] = false;
        }

        for (var i = 0; i < Builder.Count; i++)
        {
            if (live[i])
            {
                places[i] = nodes.Count;
                var node = Builder[i];
                nodes.Add(node with { Inputs = Moved(node.Inputs, places) });
            }
        }

        return new(nodes.ToEquatableArray(), Moved(outputs.ToEquatableArray(), places));
    }

    private static EquatableArray<Value> Moved(EquatableArray<Value> values, int[] places)
    {
        var moved = new Value[values.Count];
        for (var i = 0; i < moved.Length; i++)
        {
            moved[i] = Value.Of(places[values[i].Node], values[i].Output);
        }

        return new(moved);
    }

    /// <summary>Which nodes the values need.</summary>
    public bool[] Live(IReadOnlyList<Value> outputs)
    {
        var live = new bool[Builder.Count];
        foreach (var output in outputs)
        {
            live[output.Node] = true;
        }

        for (var i = Builder.Count - 1; i >= 0; i--)
        {
            if (live[i])
            {
                foreach (var input in Builder[i].Inputs)
                {
                    live[input.Node] = true;
                }
            }
        }

        return live;
    }
}
