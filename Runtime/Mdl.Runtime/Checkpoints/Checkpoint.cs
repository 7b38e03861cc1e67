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
        if (model.WeightFormat == WeightFormat.Single)
        {
            WeightsOf(model).Fill(file, model.Info.Name, IsOptimizer);
            return;
        }

        var tensors = new TensorSet();
        tensors.Add("", model.Info.Parameters, null);
        tensors.Check(file, model.Info.Name, IsOptimizer);
        for (var parameter = 0; parameter < model.Info.Parameters.Count; parameter++)
        {
            Convert(file, model, parameter);
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
