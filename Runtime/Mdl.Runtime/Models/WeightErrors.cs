using Mdl.Runtime.Checkpoints;

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

        var meter = new WeightErrorMeter(held);
        var numbers = new float[WeightStore.Part];
        for (var parameter = 0; parameter < original.Info.Parameters.Count; parameter++)
        {
            var info = original.Info.Parameters[parameter];
            for (var instance = 0; instance < info.Instances; instance++)
            {
                for (var begin = 0L; begin < info.InstanceSize; begin += WeightStore.Part)
                {
                    var part = numbers.AsSpan(0, (int)Math.Min(WeightStore.Part, info.InstanceSize - begin));
                    original.Store.Read(parameter, instance, begin, part);
                    meter.Store(parameter, instance, begin, part);
                }
            }
        }

        return meter.Errors();
    }

    /// <summary>
    /// The error of every tensor against the checkpoint that the weights came from, which is read again piece by piece: no second model is in memory.
    /// </summary>
    /// <param name="path">The folder of a published checkpoint, or a file of single precision.</param>
    /// <param name="held">Its weights in another format.</param>
    /// <exception cref="SafetensorsException">The checkpoint is damaged, belongs to another model, or is itself in a short format.</exception>
    public static IReadOnlyList<WeightError> Between(string path, LanguageModel held)
    {
        ArgumentNullException.ThrowIfNull(held);
        var meter = new WeightErrorMeter(held);
        if (Directory.Exists(path))
        {
            using var folder = HuggingFaceFolder.Open(path, held.Info, held.Checkpoints);
            folder.ReadTo(meter);
        }
        else if (Checkpoint.FormatOf(path) is var format && format != WeightFormat.Single)
        {
            throw new SafetensorsException($"{path}: holds its weights as {format}; errors are told against the checkpoint that they were made from.");
        }
        else
        {
            using var file = SafetensorsFile.Open(path);
            Checkpoint.ReadTo(file, held.Info, meter);
        }

        return meter.Errors();
    }
}
