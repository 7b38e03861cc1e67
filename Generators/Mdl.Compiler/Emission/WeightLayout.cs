using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl.Binding;

namespace Mdl.Compiler.Emission;

/// <summary>Where parameters lie in a model's weight memory: trainable ones first, then frozen ones and states, each at a multiple of 16 floats.</summary>
internal sealed class WeightLayout
{
    private readonly Dictionary<string, long> _offsets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Storage> _apart = new(StringComparer.Ordinal);
    private readonly HashSet<string> _fields = new(StringComparer.Ordinal);

    public WeightLayout(BoundModel model)
    {
        Parameters =
        [
            .. model.Parameters.Where(p => p.IsTrained), .. model.Parameters.Where(p => !p.IsTrained && !p.IsState), .. model.Parameters.Where(p => p.IsState),
        ];
        foreach (var parameter in Parameters)
        {
            _offsets[parameter.Key] = TotalSize;
            _apart[parameter.Key] = Storage.At(UniqueField(parameter)) with { IsWeight = !parameter.IsState && parameter.Shape.Count >= 2 };
            TotalSize = checked(TotalSize + ((parameter.Size + 15) / 16 * 16));
            if (parameter.IsTrained)
            {
                TrainableSize = TotalSize;
            }
        }
    }

    public IReadOnlyList<BoundParameter> Parameters { get; }

    public long TrainableSize { get; }

    public long TotalSize { get; }

    public long this[string key] => _offsets[key];

    /// <summary>A parameter in the weights that are one block of floats.</summary>
    public Storage InBlock(string key) => Storage.At("_weights").Plus(this[key]);

    /// <summary>A parameter of a program that knows each by itself: a field of the program. Matrices may be held in a short format.</summary>
    public Storage Apart(string key) => _apart[key];

    // Fields of buffers have no second underscore.
    private string UniqueField(BoundParameter parameter)
    {
        var parts = parameter.Path.Split('.');
        var last = parts[parts.Length - 1] == "weight" && parts.Length > 1 ? parts[parts.Length - 2] : parts[parts.Length - 1];
        var name = "_weights_" + last.Replace("[{i}]", "");
        var unique = name;
        for (var number = 2; !_fields.Add(unique); number++)
        {
            unique = name + number.ToString(CultureInfo.InvariantCulture);
        }

        return unique;
    }
}
