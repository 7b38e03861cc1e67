using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>A tensor of a folder and where its values belong.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Parameter">Index in <see cref="ModelInfo.Parameters"/>.</param>
/// <param name="Instance">Which repetition.</param>
/// <param name="Begin">The first value in the instance.</param>
internal readonly record struct TensorPlace(string Name, long[] Shape, int Parameter, int Instance, long Begin)
{
    /// <summary>Number of values.</summary>
    public long Size => Shape.Aggregate(1L, (a, b) => a * b);

    /// <summary>All tensors of a checkpoint, in the order of its declaration.</summary>
    public static IEnumerable<TensorPlace> All(ModelInfo info, CheckpointMap map, bool hasMtp)
    {
        foreach (var tensor in map.Tensors)
        {
            var parameter = info.Parameters[tensor.Parameter];
            if (parameter.IsMtp && !hasMtp)
            {
                continue;
            }

            var slices = tensor.IsSliced ? (int)parameter.Shape[0] : 1;
            long[] shape = [.. tensor.IsSliced ? parameter.Shape.Skip(1) : parameter.Shape];
            var size = parameter.InstanceSize / slices;
            for (var instance = 0; instance < parameter.Instances; instance++)
            {
                for (var slice = 0; slice < slices; slice++)
                {
                    yield return new(tensor.Name(parameter.FirstIndex + instance, slice), shape, tensor.Parameter, instance, slice * size);
                }
            }
        }
    }
}
