using System.Globalization;

namespace Mdl.Runtime.Checkpoints;

/// <summary>Where a kind of published checkpoint keeps the parameters of a model, and what its config.json says.</summary>
/// <param name="Name">The name of the declaration.</param>
/// <param name="Tensors">The names of the tensors, one line for each parameter.</param>
/// <param name="Config">Keys of config.json.</param>
public sealed record CheckpointMap(string Name, IReadOnlyList<TensorPattern> Tensors, IReadOnlyList<ConfigLine> Config);

/// <summary>The tensor names of a parameter.</summary>
/// <param name="Parameter">Its index in <see cref="Models.ModelInfo.Parameters"/>.</param>
/// <param name="Pattern">The name, with <c>{i}</c> or <c>{i+1}</c> for the index of the instance and <c>{e}</c> for the leading axis where each expert is a tensor.</param>
public sealed record TensorPattern(int Parameter, string Pattern)
{
    /// <summary>Whether each slice of the leading axis is a tensor of its own.</summary>
    public bool IsSliced { get; } = Pattern.Contains("{e", StringComparison.Ordinal);

    /// <summary>The name of one tensor.</summary>
    public string Name(int instance, int slice)
    {
        var name = new System.Text.StringBuilder();
        for (var at = 0; at < Pattern.Length; at++)
        {
            if (Pattern[at] != '{')
            {
                name.Append(Pattern[at]);
                continue;
            }

            var end = Pattern.IndexOf('}', at);
            var added = end == at + 2 ? 0 : int.Parse(Pattern.AsSpan(at + 2, end - at - 2), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            name.Append(CultureInfo.InvariantCulture, $"{(Pattern[at + 1] == 'i' ? instance : slice) + added}");
            at = end;
        }

        return name.ToString();
    }
}

/// <summary>When a key of config.json must be there.</summary>
public enum ConfigPresence
{
    /// <summary>Always.</summary>
    Required,

    /// <summary>It may be missing.</summary>
    Optional,

    /// <summary>Written, never checked.</summary>
    Written,

    /// <summary>The depth of multi-token prediction; 0 or missing where the checkpoint has no tensors for it.</summary>
    Mtp,
}

/// <summary>A key of config.json and its value.</summary>
/// <param name="Key">The key.</param>
/// <param name="Json">The value as JSON.</param>
public sealed record ConfigKey(string Key, string Json);

/// <summary>A line of a checkpoint's configuration.</summary>
/// <param name="Keys">Keys that say the same; the first that is there counts.</param>
/// <param name="Presence">When one must be there.</param>
public sealed record ConfigLine(IReadOnlyList<ConfigKey> Keys, ConfigPresence Presence);
