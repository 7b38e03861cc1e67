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
        WeightsOf(model).Fill(file, model.Info.Name, name => name.StartsWith(OptimizerPrefix, StringComparison.Ordinal));
    }

    internal static TensorSet WeightsOf(LanguageModel model)
    {
        var tensors = new TensorSet();
        tensors.Add("", model.Info.Parameters, model.Weights);
        return tensors;
    }
}
