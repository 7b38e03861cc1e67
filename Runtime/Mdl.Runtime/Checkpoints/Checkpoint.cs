using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>
/// Models in safetensors files: one f32 tensor for each instance of a parameter or state, under its path in the source. Training checkpoints
/// have more tensors, whose names begin with <c>optimizer.</c>, and load as models too.
/// </summary>
public static unsafe class Checkpoint
{
    internal const string OptimizerPrefix = "optimizer.";
    internal const string ModelKey = "model";

    /// <summary>Writes the weights of a model, atomically.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file; it is replaced as a whole or not at all.</param>
    /// <param name="metadata">Strings to store beside the tensors.</param>
    public static void SaveModel(LanguageModel model, string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        var writer = new SafetensorsWriter();
        foreach (var (key, value) in metadata ?? new Dictionary<string, string>())
        {
            writer.SetMetadata(key, value);
        }

        writer.SetMetadata(ModelKey, model.Info.Name);
        WeightsOf(model).AddTo(writer);
        writer.Save(path);
    }

    /// <summary>Reads the weights of a model. Nothing is overwritten unless the whole file fits.</summary>
    /// <exception cref="SafetensorsException">
    /// The file is damaged, or tensors are missing, unexpected, or of another shape; the message lists them.
    /// </exception>
    public static void LoadModel(LanguageModel model, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var file = SafetensorsFile.Open(path);
        static bool IsOptimizer(string name) => name.StartsWith(OptimizerPrefix, StringComparison.Ordinal);

        // A model without adapters is one to which they can be added.
        var hasAdapters = model.Info.Adapters.Any(a => file.Tensors.ContainsKey(model.Info.Parameters[a.A].InstancePath(0)));
        int[] read = [.. Enumerable.Range(0, model.Info.Parameters.Count).Where(p => hasAdapters || !model.Info.IsAdapter(p))];
        var isSingle = model.WeightFormat == WeightFormat.Single;
        var tensors = new TensorSet();
        tensors.Add("", read.Select(p => model.Info.Parameters[p]), isSingle ? model.Weights : null);
        if (isSingle)
        {
            tensors.Fill(file, model.Info.Name, IsOptimizer);
        }
        else
        {
            tensors.Check(file, model.Info.Name, IsOptimizer);
            foreach (var parameter in read)
            {
                Convert(file, model, parameter);
            }
        }

        if (!hasAdapters)
        {
            model.InitializeAdapters(seed: 0);
        }
    }

    // One tensor at a time exists in single precision.
    private static void Convert(SafetensorsFile file, LanguageModel model, int parameter)
    {
        var info = model.Info.Parameters[parameter];
        using var memory = new Arena(info.InstanceSize * sizeof(float));
        var numbers = (float*)memory.Memory;
        for (var instance = 0; instance < info.Instances; instance++)
        {
            file.Read(info.InstancePath(instance), numbers, info.InstanceSize);
            for (var begin = 0L; begin < info.InstanceSize; begin += WeightStore.Part)
            {
                model.Store.Write(parameter, instance, begin, new(numbers + begin, (int)Math.Min(WeightStore.Part, info.InstanceSize - begin)));
            }
        }
    }

    internal static TensorSet WeightsOf(LanguageModel model)
    {
        var tensors = new TensorSet();
        tensors.Add("", model.Info.Parameters, model.Weights);
        return tensors;
    }
}
