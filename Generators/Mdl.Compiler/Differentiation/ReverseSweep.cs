using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

/// <summary>Visits the forward nodes of a builder from the last to the first and lets each operation's rule pass on the adjoints.</summary>
internal sealed class ReverseSweep
{
    private readonly HashSet<Value> _active;
    private readonly int _forwardNodes;

    public ReverseSweep(GraphBuilder builder, int forwardNodes, IEnumerable<Value> active, SavePolicy policy)
    {
        Builder = builder;
        Policy = policy;
        _forwardNodes = forwardNodes;
        _active = [.. active];
        Adjoints = new(builder, _active);
    }

    public GraphBuilder Builder { get; }

    public SavePolicy Policy { get; }

    public Adjoints Adjoints { get; }

    public void Run()
    {
        for (var i = _forwardNodes - 1; i >= 0; i--)
        {
            var node = Builder[i];
            if (node.Inputs.Count == 0 || !node.Inputs.Any(_active.Contains))
            {
                continue;
            }

            // What the rules add stands for the source line of the forward node.
            Builder.Origin = node.Origin;
            var outputs = node.Types.Select((_, k) => _active.Contains(new(i, k)) ? Adjoints.Total(new(i, k)) : null).ToArray();
            if (outputs.Any(a => a is not null))
            {
                NameGradient(outputs[0], node);
                Derivatives.Apply(new(this, i, node, outputs));
            }
        }
    }

    /// <summary>Names a gradient after what it is the gradient of.</summary>
    public void NameGradient(Value? gradient, Node of)
    {
        if (of.Name.Length > 0 && gradient is { } value && value.Node >= _forwardNodes && Builder[value.Node].Types.Count == 1)
        {
            Builder.Name(value, "d_" + of.Name);
        }
    }
}

/// <summary>One node in the reverse sweep, with the adjoints of its outputs (null: no path to the loss).</summary>
internal sealed class Step(ReverseSweep sweep, int number, Node node, Value?[] adjoints)
{
    public GraphBuilder Builder => sweep.Builder;

    public SavePolicy Policy => sweep.Policy;

    public Node Node => node;

    public int Number => number;

    /// <summary>Adjoint of the first output.</summary>
    public Value Gradient => adjoints[0] ?? Zero(0);

    public Value? Adjoint(int output) => adjoints[output];

    public Value Input(int index) => node.Inputs[index];

    public Value Output(int index = 0) => new(number, index);

    public bool Wants(int input) => sweep.Adjoints.Wants(node.Inputs[input]);

    public void Add(int input, Value gradient) => sweep.Adjoints.Add(node.Inputs[input], gradient);

    public void AddSlice(int input, Slice slice, Value gradient) => sweep.Adjoints.AddSlice(node.Inputs[input], slice, gradient);

    public TensorType InputType(int input) => Builder.Type(node.Inputs[input]);

    public Value Zero(int output) => Builder.Broadcast(Builder.Constant(0), node.Types[output].Shape);

    public Value Multiply(Value x, Value y) => Builder.Binary(BinaryFunction.Multiply, x, y);

    public Value Multiply(Value x, double y) => Builder.Binary(BinaryFunction.Multiply, x, y);
}
