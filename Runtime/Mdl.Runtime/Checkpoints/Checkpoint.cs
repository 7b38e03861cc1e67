using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>
/// Models in safetensors files. In single precision: one f32 tensor for each instance of a parameter or state, under its path in the source; training checkpoints
/// have more tensors, whose names begin with <c>optimizer.</c>, and load as models too. In a short format: the weights as they are held, see docs/inference.md.
/// </summary>
public static unsafe class Checkpoint
{
    internal const string OptimizerPrefix = "optimizer.";
    internal const string ModelKey = "model";

    /// <summary>Writes the weights of a model, atomically. Adapters that have no effect, because they are merged or new, are left out: the file is one of the model without them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file; it is replaced as a whole or not at all.</param>
    /// <param name="metadata">Strings to store beside the tensors.</param>
    public static void SaveModel(LanguageModel model, string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        var hasNoEffect = model.Info.Adapters.Count > 0 && HaveNoEffect(model);
        var writer = new SafetensorsWriter();
        foreach (var (key, value) in metadata ?? new Dictionary<string, string>())
        {
            writer.SetMetadata(key, value);
        }

        writer.SetMetadata(ModelKey, model.Info.Name);
        if (model.WeightFormat == WeightFormat.Single)
        {
            var tensors = new TensorSet();
            tensors.Add("", Enumerable.Range(0, model.Info.Parameters.Count).Where(p => !hasNoEffect || !model.Info.IsAdapter(p)).Select(p => model.Info.Parameters[p]), model.Weights);
            tensors.AddTo(writer);
        }
        else if (model.Info.Adapters.Count > 0 && !hasNoEffect)
        {
            throw new SafetensorsException(
                $"{path}: {model.Info.Name} has trained adapters beside weights held as {model.WeightFormat}; a file of such weights has no place for them, {nameof(AdapterFolder)} writes them.");
        }
        else
        {
            HeldWeights.AddTo(writer, model);
        }

        writer.Save(path);
    }

    /// <summary>The class name of the model whose weights a file has, as in <c>LingMini</c>; null if the file does not tell.</summary>
    /// <exception cref="SafetensorsException">The file cannot be read or is damaged.</exception>
    public static string? ModelOf(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Metadata.GetValueOrDefault(ModelKey);
    }

    /// <summary>How a file holds the weights; single precision for folders of published checkpoints, which any format converts.</summary>
    /// <exception cref="SafetensorsException">The file cannot be read or is damaged.</exception>
    public static WeightFormat FormatOf(string path)
    {
        if (Directory.Exists(path))
        {
            return WeightFormat.Single;
        }

        using var file = SafetensorsFile.Open(path);
        return HeldWeights.FormatOf(file) ?? WeightFormat.Single;
    }

    /// <summary>Whether the model would compute the same without its adapters.</summary>
    internal static bool HaveNoEffect(LanguageModel model) => model.Info.Adapters.All(a =>
        model.PartsOf(a).TrueForAll(p => !new ReadOnlySpan<float>(p.B, checked((int)(p.Outputs * a.Rank))).ContainsAnyExcept(0)));

    /// <summary>Reads the weights of a model. Nothing is overwritten unless the whole file fits.</summary>
    /// <exception cref="SafetensorsException">
    /// The file is damaged, or tensors are missing, unexpected, or of another shape; the message lists them.
    /// </exception>
    /// <returns>Whether the file has the weights of multi-token prediction.</returns>
    public static bool LoadModel(LanguageModel model, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var file = SafetensorsFile.Open(path);
        if (HeldWeights.FormatOf(file) is { } held)
        {
            return HeldWeights.Load(file, held, model);
        }

        // A model without adapters is one to which they can be added.
        var hasAdapters = HasAdapters(file, model.Info);
        if (model.WeightFormat == WeightFormat.Single)
        {
            var tensors = new TensorSet();
            tensors.Add("", Read(model.Info, hasAdapters).Select(p => model.Info.Parameters[p]), model.Weights);
            tensors.Fill(file, model.Info.Name, IsOptimizer);
        }
        else
        {
            ReadTo(file, model.Info, model.Store);
        }

        if (!hasAdapters)
        {
            model.InitializeAdapters(seed: 0);
        }

        return true;
    }

    /// <summary>Reads a file of floats piece by piece: one tensor at a time exists in single precision.</summary>
    internal static void ReadTo(SafetensorsFile file, ModelInfo info, IWeightDestination destination)
    {
        var read = Read(info, HasAdapters(file, info));
        var tensors = new TensorSet();
        tensors.Add("", read.Select(p => info.Parameters[p]), null);
        tensors.Check(file, info.Name, IsOptimizer);
        foreach (var index in read)
        {
            var parameter = info.Parameters[index];
            using var memory = new Arena(parameter.InstanceSize * sizeof(float));
            var numbers = (float*)memory.Memory;
            for (var instance = 0; instance < parameter.Instances; instance++)
            {
                file.Read(parameter.InstancePath(instance), numbers, parameter.InstanceSize);
                for (var begin = 0L; begin < parameter.InstanceSize; begin += WeightStore.Part)
                {
                    destination.Store(index, instance, begin, new(numbers + begin, (int)Math.Min(WeightStore.Part, parameter.InstanceSize - begin)));
                }
            }
        }
    }

    private static bool HasAdapters(SafetensorsFile file, ModelInfo info) =>
        info.Adapters.Any(a => file.Tensors.ContainsKey(info.Parameters[a.A].InstancePath(0)));

    private static int[] Read(ModelInfo info, bool hasAdapters) =>
        [.. Enumerable.Range(0, info.Parameters.Count).Where(p => hasAdapters || !info.IsAdapter(p))];

    private static bool IsOptimizer(string name) => name.StartsWith(OptimizerPrefix, StringComparison.Ordinal);
}
