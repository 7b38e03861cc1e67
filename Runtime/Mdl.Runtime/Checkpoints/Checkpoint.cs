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
        var tensors = new TensorSet();
        tensors.Add("", Enumerable.Range(0, model.Info.Parameters.Count).Where(p => !hasNoEffect || !model.Info.IsAdapter(p)).Select(p => model.Info.Parameters[p]), model.Weights);
        tensors.AddTo(writer);
        writer.Save(path);
    }

    /// <summary>Whether the model would compute the same without its adapters.</summary>
    internal static bool HaveNoEffect(LanguageModel model) => model.Info.Adapters.All(a =>
        model.PartsOf(a).TrueForAll(p => !new ReadOnlySpan<float>(p.B, checked((int)(p.Outputs * a.Rank))).ContainsAnyExcept(0)));

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
}
