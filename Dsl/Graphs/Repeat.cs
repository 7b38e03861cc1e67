using static Mdl.Dsl.Graphs.Shapes;

namespace Mdl.Dsl.Graphs;

/// <summary>
/// A loop over layers. Inputs: Carried values, then Invariants, then slices: tensors whose first axis is Count. Iteration i runs the body on the carried
/// values, the invariants and slice i of each sliced input, in this order; the body yields the next carried values and then any number of
/// results. Outputs: the last carried values, then each result stacked along a new first axis of size Count. With Reverse, i runs from Count - 1 to 0
/// (slices and stacks are still indexed by i). The body's inputs are <see cref="Input"/> nodes named "#0", "#1", ..., its first nodes, in order.
/// </summary>
public sealed record Repeat(int Count, int Carried, int Invariants, Graph Body, bool Reverse = false) : Operation
{
    public override EquatableArray<TensorType> Infer(EquatableArray<TensorType> inputs)
    {
        Require(Count > 0, "a repetition runs at least once");
        for (var i = 0; i < inputs.Count; i++)
        {
            Require(Body.Nodes[i].Operation is Input, $"node {i} of the body is not its input {i}");
            var wanted = Body.Nodes[i].Types[0];
            var given = inputs[i];
            if (i >= Carried + Invariants)
            {
                Require(given.Rank > 0 && given.Shape[0].Equals(Count), $"{given} has no first axis of {Count} to slice");
                given = given.With(given.Shape.RemoveAt(0));
            }

            Require(given == wanted, $"input {i} of the repetition is {given}, its body wants {wanted}");
        }

        var yields = Body.Outputs.Select(Body.Type).ToArray();
        for (var i = 0; i < Carried; i++)
        {
            Require(yields[i] == inputs[i], $"the repeated block turns {inputs[i]} into {yields[i]}: both must have one shape");
        }

        return yields.Select((t, i) => i < Carried ? t : t.With([(Dim)Count, .. t.Shape])).ToEquatableArray();
    }

    public override string ToString() => $"Repeat {{ Count = {Count}, Carried = {Carried}, Invariants = {Invariants}, Reverse = {Reverse} }}";
}
