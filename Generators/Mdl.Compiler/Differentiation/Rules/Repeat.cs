using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

internal static partial class Derivatives
{
    /// <summary>
    /// The backward loop runs the other way round. It carries the adjoints of the carried values and the sums for the invariants; it slices what the
    /// forward loop saved, its sliced inputs and the adjoints of its results; it yields the gradients of the sliced inputs.
    /// </summary>
    private static void Repeat(Step step, Repeat o)
    {
        var inputs = step.Node.Inputs.Count;
        var active = Activity.OfBody(o, [.. Enumerable.Range(0, inputs).Select(step.Wants)]);
        var joint = new GraphBuilder();
        var copy = GraphCopy.Append(joint, o.Body);
        var sweep = new ReverseSweep(joint, joint.Count, active.Select(copy), step.Policy);
        var backward = new BackwardLoop(step, o, sweep, [.. o.Body.Outputs.Select(copy)]);

        // Adjoints come in as placeholders; BackwardLoop turns them into inputs of the backward body.
        var carried = Enumerable.Range(0, o.Carried).Where(i => active.Contains(new(i))).ToArray();
        foreach (var i in carried)
        {
            sweep.Adjoints.Add(copy(o.Body.Outputs[i]), backward.Carry(step.Adjoint(i) ?? step.Zero(i)));
        }

        for (var i = o.Carried; i < o.Body.Outputs.Count; i++)
        {
            if (step.Adjoint(i) is { } adjoint)
            {
                sweep.Adjoints.Add(copy(o.Body.Outputs[i]), backward.Slice(adjoint));
            }
        }

        sweep.Run();

        joint.Origin = step.Node.Origin;
        foreach (var i in carried)
        {
            backward.YieldCarried(sweep.Adjoints.TotalOrZero(new(i)), input: i);
        }

        for (var i = o.Carried; i < inputs; i++)
        {
            if (sweep.Adjoints.Total(new(i)) is { } total)
            {
                if (i < o.Carried + o.Invariants)
                {
                    var zero = step.Builder.Broadcast(step.Builder.Constant(0), step.InputType(i).Shape);
                    backward.YieldCarried(joint.Binary(BinaryFunction.Add, backward.Carry(zero), total), input: i);
                }
                else
                {
                    backward.YieldStacked(total, input: i);
                }
            }
        }

        backward.Emit();
    }
}
