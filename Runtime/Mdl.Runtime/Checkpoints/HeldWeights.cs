using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>
/// Files of weights as a model holds them in a short format, to be mapped into memory and used where they lie. A safetensors file: metadata <c>weights</c> names
/// the <see cref="WeightFormat"/>, and its tensors are those of <see cref="HeldTensor"/>.
/// </summary>
internal static unsafe class HeldWeights
{
    private const string FormatKey = "weights";

    /// <summary>The format of a file; null for files of floats.</summary>
    /// <exception cref="SafetensorsException">The file names a format that there is not.</exception>
    public static WeightFormat? FormatOf(SafetensorsFile file) =>
        !file.Metadata.TryGetValue(FormatKey, out var name) ? null
        : Enum.TryParse<WeightFormat>(name, out var format) && Enum.IsDefined(format) && format != WeightFormat.Single && name == format.ToString() ? format
        : throw new SafetensorsException($"{file.Path}: its weights are held as \"{name}\"; there are {string.Join(", ", Enum.GetNames<WeightFormat>().Skip(1))}.");

    /// <summary>Adds what a model holds to a file.</summary>
    public static void AddTo(SafetensorsWriter writer, LanguageModel model)
    {
        writer.SetMetadata(FormatKey, model.WeightFormat.ToString());
        foreach (var tensor in HeldTensor.All(model.Info, model.WeightFormat, model.HasMtp))
        {
            writer.Add(tensor.Name, tensor.Type, tensor.Shape, tensor.Bytes, stream =>
            {
                var weight = model.Store.At(tensor.Parameter);
                SafetensorsWriter.WriteData(stream, tensor.IsScales ? weight.Scales : weight.Data, tensor.Bytes);
            });
        }
    }

    /// <summary>Takes over the weights of a file: as they lie there if the model holds the same format and has no memory yet, else as a copy.</summary>
    /// <returns>Whether the file has the weights of multi-token prediction.</returns>
    /// <exception cref="SafetensorsException">Tensors are missing, left over, or of another shape or type; all are listed.</exception>
    public static bool Load(SafetensorsFile file, WeightFormat format, LanguageModel model)
    {
        var hasMtp = Check(file, format, model.Info);
        if (format != model.WeightFormat || !model.Store.TryMap(file, hasMtp))
        {
            using var source = new WeightStore(Device.Host, model.Info, format);
            source.TryMap(file, hasMtp);
            model.Store.CopyFrom(source, hasMtp);
        }

        model.InitializeAdapters(seed: 0);
        return hasMtp;
    }

    private static bool Check(SafetensorsFile file, WeightFormat format, ModelInfo info)
    {
        var hasMtp = HeldTensor.All(info, format, hasMtp: true).Any(t => info.Parameters[t.Parameter].IsMtp && file.Tensors.ContainsKey(t.Name));
        var wanted = HeldTensor.All(info, format, hasMtp).ToDictionary(t => t.Name, StringComparer.Ordinal);
        var problems = new TensorProblems();
        foreach (var tensor in wanted.Values)
        {
            if (!file.Tensors.TryGetValue(tensor.Name, out var entry))
            {
                problems.Missing.Add(tensor.Name);
            }
            else if (entry.Type != tensor.Type || !entry.Shape.SequenceEqual(tensor.Shape))
            {
                problems.Mismatched.Add($"{tensor.Name} is {entry.Type} [{string.Join(", ", entry.Shape)}] instead of {tensor.Type} [{string.Join(", ", tensor.Shape)}]");
            }
        }

        problems.Unexpected.AddRange(file.Tensors.Keys.Where(name => !wanted.ContainsKey(name)));
        problems.ThrowIfAny(file.Path, info.Name);
        return hasMtp;
    }
}
