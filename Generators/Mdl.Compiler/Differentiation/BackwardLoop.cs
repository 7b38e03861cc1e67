using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

/// <summary>
/// Turns the joint graph of a repeated body (forward nodes, then backward nodes with placeholders for adjoints) into two loops: the forward one, which
/// yields more, and the backward one, which slices that and recomputes the rest.
/// </summary>
internal sealed class BackwardLoop(Step step, Repeat forward, ReverseSweep sweep, IReadOnlyList<Value> yields)
{
    private readonly GraphBuilder _joint = sweep.Builder;
    private readonly int _forwardNodes = sweep.Builder.Count;

    // Placeholders in the joint graph, with the outer values that they stand for.
    private readonly List<(Value Inner, Value Outer)> _carried = [];
    private readonly List<(Value Inner, Value Outer)> _sliced = [];

    private readonly List<(Value Inner, int Input)> _carriedYields = [];
    private readonly List<(Value Inner, int Input)> _stackedYields = [];

    /// <summary>A carried value of the backward loop that starts as <paramref name="outer"/>.</summary>
    public Value Carry(Value outer) => Placeholder(_carried, outer, step.Builder.Type(outer));

    /// <summary>A value of which each iteration gets its slice.</summary>
    public Value Slice(Value outer)
    {
        var type = step.Builder.Type(outer);
        return Placeholder(_sliced, outer, type.With(type.Shape.RemoveAt(0)));
    }

    /// <summary>The next value of the carried placeholder that was made as the same one in order; its last value is the adjoint of an input of the forward loop.</summary>
    public void YieldCarried(Value inner, int input) => _carriedYields.Add((inner, input));

    /// <summary>A value of each iteration; stacked, they are the adjoint of a sliced input of the forward loop.</summary>
    public void YieldStacked(Value inner, int input) => _stackedYields.Add((inner, input));

    public void Emit()
    {
        var gradients = _carriedYields.Concat(_stackedYields).ToArray();
        var (computed, boundary) = Partition(gradients.Select(g => g.Inner));

        // Inputs of the backward body in the order that Repeat wants: carried, invariants, slices.
        var invariants = boundary.Where(IsInvariant).ToArray();
        var saved = boundary.Where(IsSaved).ToArray();
        var stacks = Save(saved);
        var slices = saved.Zip(stacks, (inner, outer) => (Inner: inner, Outer: outer))
            .Concat(boundary.Where(IsSlice).Select(v => (Inner: v, Outer: step.Input(v.Node))))
            .Concat(_sliced.Where(s => boundary.Contains(s.Inner)))
            .ToArray();
        var inputs = _carried.Concat(invariants.Select(v => (Inner: v, Outer: step.Input(v.Node)))).Concat(slices).ToArray();

        var body = new GraphBuilder();
        var map = new Dictionary<Value, Value>();
        for (var i = 0; i < inputs.Length; i++)
        {
            body.Origin = _joint[inputs[i].Inner.Node].Origin;
            map[inputs[i].Inner] = body.AddNode(new Input("#" + i, _joint.Type(inputs[i].Inner)), [], _joint[inputs[i].Inner.Node].Name);
        }

        foreach (var number in computed)
        {
            var node = _joint[number];
            body.Origin = node.Origin;
            var added = body.Copy(node, node.Inputs.Map(v => map[v]));
            for (var k = 0; k < node.Types.Count; k++)
            {
                map[new(number, k)] = new(added.Node, k);
            }
        }

        var loop = new Repeat(forward.Count, _carried.Count, invariants.Length, body.Build(gradients.Select(g => map[g.Inner])), !forward.Reverse);
        step.Builder.Origin = step.Node.Origin;
        var results = step.Builder.AddAll(loop, inputs.Select(i => i.Outer));
        for (var i = 0; i < gradients.Length; i++)
        {
            step.Add(gradients[i].Input, results[i]);
        }
    }

    /// <summary>Numbers of the joint nodes that the backward body computes, ascending, and the values that it is given.</summary>
    private (IReadOnlyList<int> Computed, IReadOnlyList<Value> Boundary) Partition(IEnumerable<Value> wanted)
    {
        var computed = new SortedSet<int>();
        var boundary = new HashSet<Value>();
        var open = new Stack<Value>(wanted);
        while (open.Count > 0)
        {
            var value = open.Pop();
            if (IsInput(value) || IsSaved(value))
            {
                boundary.Add(value);
            }
            else if (computed.Add(value.Node))
            {
                foreach (var input in _joint[value.Node].Inputs)
                {
                    open.Push(input);
                }
            }
        }

        return ([.. computed], [.. boundary.OrderBy(v => v.Node).ThenBy(v => v.Output)]);
    }

    /// <summary>Makes the forward loop yield values of its body; returns their stacks.</summary>
    private IReadOnlyList<Value> Save(IReadOnlyList<Value> values)
    {
        var outputs = yields.ToList();
        var stacks = new List<Value>();
        foreach (var value in values)
        {
            var known = outputs.FindIndex(forward.Carried, v => v == value);
            stacks.Add(step.Output(known >= 0 ? known : outputs.Count));
            if (known < 0)
            {
                outputs.Add(value);
            }
        }

        var nodes = Enumerable.Range(0, _forwardNodes).Select(i => _joint[i]).ToEquatableArray();
        step.Builder.Extend(step.Number, forward with { Body = new Graph(nodes, outputs.ToEquatableArray()) });
        return stacks;
    }

    private Value Placeholder(List<(Value Inner, Value Outer)> list, Value outer, TensorType type)
    {
        var inner = _joint.Add(new Input($"adjoint {_carried.Count + _sliced.Count}", type));
        list.Add((inner, outer));
        return inner;
    }

    private bool IsInput(Value v) => _joint[v.Node].Operation is Input && !IsCarriedInput(v);

    private bool IsCarriedInput(Value v) => v.Node < forward.Carried;

    private bool IsInvariant(Value v) => v.Node >= forward.Carried && v.Node < forward.Carried + forward.Invariants;

    private bool IsSlice(Value v) => v.Node >= forward.Carried + forward.Invariants && v.Node < step.Node.Inputs.Count;

    private bool IsSaved(Value v) =>
        IsCarriedInput(v) || (v.Node >= step.Node.Inputs.Count && v.Node < _forwardNodes && sweep.Policy.Saves(_joint[v.Node], _joint));
}
