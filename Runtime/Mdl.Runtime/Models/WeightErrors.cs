namespace Mdl.Runtime.Models;

/// <summary>What a short format costs one tensor.</summary>
/// <param name="Path">The parameter's path, with the index of a repeated one.</param>
/// <param name="Format">How it is held.</param>
/// <param name="Relative">Root of the squared errors' sum over that of the squared numbers'; 0 for a tensor of zeros that is held exactly.</param>
/// <param name="Largest">The largest error, in the tensor's own unit.</param>
public readonly record struct WeightError(string Path, Kernels.ElementFormat Format, double Relative, double Largest);

/// <summary>Compares the weights of a model with those that a short format keeps of them.</summary>
public static class WeightErrors
{
    /// <summary>The error of every tensor, in the order of <see cref="ModelInfo.Parameters"/>.</summary>
    /// <param name="original">The weights as they should be.</param>
    /// <param name="held">The same weights in another format.</param>
    /// <exception cref="ArgumentException">The models are of different classes.</exception>
    public static IReadOnlyList<WeightError> Between(LanguageModel original, LanguageModel held)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(held);
        if (!ReferenceEquals(original.Info, held.Info))
        {
            throw new ArgumentException($"{held.Info.Name} has other parameters than {original.Info.Name}.", nameof(held));
        }

        var errors = new List<WeightError>();
        var (expected, actual) = (new float[WeightStore.Part], new float[WeightStore.Part]);
        for (var parameter = 0; parameter < original.Info.Parameters.Count; parameter++)
        {
            var info = original.Info.Parameters[parameter];
            for (var instance = 0; instance < info.Instances; instance++)
            {
                double error = 0, size = 0, largest = 0;
                for (var begin = 0L; begin < info.InstanceSize; begin += WeightStore.Part)
                {
                    var count = (int)Math.Min(WeightStore.Part, info.InstanceSize - begin);
                    original.Store.Read(parameter, instance, begin, expected.AsSpan(0, count));
                    held.Store.Read(parameter, instance, begin, actual.AsSpan(0, count));
                    for (var i = 0; i < count; i++)
                    {
                        double off = actual[i] - expected[i];
                        error += off * off;
                        size += (double)expected[i] * expected[i];
                        largest = Math.Max(largest, Math.Abs(off));
                    }
                }

                errors.Add(new(info.InstancePath(instance), WeightStore.FormatOf(info, held.WeightFormat), error == 0 ? 0 : Math.Sqrt(error / size), largest));
            }
        }

        return errors;
    }
}
