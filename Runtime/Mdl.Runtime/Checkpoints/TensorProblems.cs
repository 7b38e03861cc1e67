namespace Mdl.Runtime.Checkpoints;

/// <summary>Collects what keeps the tensors of a checkpoint from filling a model, to tell all of it at once.</summary>
internal sealed class TensorProblems
{
    private const int MostListed = 20;

    /// <summary>Tensors that the model has and the checkpoint lacks.</summary>
    public List<string> Missing { get; } = [];

    /// <summary>Tensors that the checkpoint has and the model lacks.</summary>
    public List<string> Unexpected { get; } = [];

    /// <summary>Tensors of another shape or type, and what was expected.</summary>
    public List<string> Mismatched { get; } = [];

    /// <summary>Throws if there is anything.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="model">The model.</param>
    /// <exception cref="SafetensorsException">There is; all of it is listed, up to a length that a person reads.</exception>
    public void ThrowIfAny(string path, string model)
    {
        Unexpected.Sort(StringComparer.Ordinal);
        string[] lists = [.. new[] { List("missing", Missing), List("unexpected", Unexpected), List("mismatched", Mismatched) }.Where(l => l.Length > 0)];
        if (lists.Length > 0)
        {
            throw new SafetensorsException($"{path}: does not fit model {model}: {string.Join("; ", lists)}.");
        }
    }

    private static string List(string what, List<string> names)
    {
        var more = names.Count > MostListed ? $", and {names.Count - MostListed} more" : "";
        return names.Count == 0 ? "" : $"{names.Count} {what}: {string.Join(", ", names.Take(MostListed))}{more}";
    }
}
