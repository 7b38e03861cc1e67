using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>Named tensors in memory that are to be written to or filled from a file as a whole.</summary>
internal sealed unsafe class TensorSet
{
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    /// <summary>Adds the instances of parameters that lie in <paramref name="memory"/> as they do in the model's weights.</summary>
    public void Add(string prefix, IEnumerable<ParameterInfo> parameters, float* memory)
    {
        foreach (var parameter in parameters)
        {
            for (var instance = 0; instance < parameter.Instances; instance++)
            {
                var data = memory == null ? null : memory + parameter.Offset + (instance * parameter.InstanceSize);
                _tensors.Add(prefix + parameter.InstancePath(instance), new Tensor(data, parameter.Shape));
            }
        }
    }

    public void AddTo(SafetensorsWriter writer)
    {
        foreach (var (name, tensor) in _tensors)
        {
            writer.Add(name, tensor);
        }
    }

    /// <summary>Fills all tensors, or throws before the first is touched.</summary>
    /// <param name="file">The file.</param>
    /// <param name="model">The model's name, for the message.</param>
    /// <param name="isIgnored">Says which tensors of the file may be left over.</param>
    /// <exception cref="SafetensorsException">Tensors are missing, left over, or of another shape or type; all are listed.</exception>
    public void Fill(SafetensorsFile file, string model, Predicate<string> isIgnored)
    {
        Check(file, model, isIgnored);
        foreach (var (name, tensor) in _tensors)
        {
            file.Read(name, tensor.Data, tensor.Size);
        }
    }

    /// <summary>Throws what <see cref="Fill"/> would.</summary>
    public void Check(SafetensorsFile file, string model, Predicate<string> isIgnored)
    {
        var problems = new TensorProblems();
        foreach (var (name, tensor) in _tensors)
        {
            if (!file.Tensors.TryGetValue(name, out var entry))
            {
                problems.Missing.Add(name);
            }
            else if (!entry.Shape.SequenceEqual(tensor.Shape) || !SafetensorsFile.IsReadable(entry))
            {
                problems.Mismatched.Add($"{name} is {entry.Type} [{string.Join(", ", entry.Shape)}] instead of F32 {tensor}");
            }
        }

        problems.Unexpected.AddRange(file.Tensors.Keys.Where(name => !_tensors.ContainsKey(name) && !isIgnored(name)));
        problems.ThrowIfAny(file.Path, model);
    }
}
