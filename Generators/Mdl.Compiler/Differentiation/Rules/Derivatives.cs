using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

/// <summary>
/// The derivative of each operation: one method an operation, under the operation's name, that adds to the adjoints of the inputs.
/// Operations without inputs, and those whose outputs carry no gradient, have none.
/// </summary>
internal static partial class Derivatives
{
    /// <exception cref="NotSupportedException">The operation has no derivative.</exception>
    public static void Apply(Step step)
    {
        switch (step.Node.Operation)
        {
            case Unary o: Unary(step, o); break;
            case Binary o: Binary(step, o); break;
            case Select _: Select(step); break;
            case Reduce o: Reduce(step, o); break;
            case Broadcast _: Broadcast(step); break;
            case Reshape _: Reshape(step); break;
            case Transpose o: Transpose(step, o); break;
            case Slice o: Slice(step, o); break;
            case Concat o: Concat(step, o); break;
            case Pad o: Pad(step, o); break;
            case Gather _: Gather(step); break;
            case GatherGradient _: GatherGradient(step); break;
            case TakeAlong _: TakeAlong(step); break;
            case PutAlong _: PutAlong(step); break;
            case Contract o: Contract(step, o); break;
            case GroupedContract o: GroupedContract(step, o); break;
            case GroupedOuter o: GroupedOuter(step, o); break;
            case GatherRows o: GatherRows(step, o); break;
            case CombineRows o: CombineRows(step, o); break;
            case LinearCrossEntropy _: LinearCrossEntropy(step); break;
            case Attend o: Attend(step, o); break;
            case Repeat o: Repeat(step, o); break;
            default: throw new NotSupportedException($"{step.Node.Operation.GetType().Name} has no derivative");
        }
    }
}
