namespace Mdl.Dsl.Binding;

/// <summary>Names parameters of a model: those whose path has these names next to each other, indices left out.</summary>
public sealed record ParameterPattern(string Text, Span Span)
{
    /// <summary>Whether a path such as <c>layers[{i}].attention.qkv</c> has the names.</summary>
    public bool Matches(string path) =>
        ("." + PathNames.WithoutIndices(path) + ".").IndexOf("." + Text + ".", StringComparison.Ordinal) >= 0;

    /// <summary>The parts of a path that a pattern of as many names could mean.</summary>
    public IEnumerable<string> Alike(string path)
    {
        var (names, count) = (PathNames.WithoutIndices(path).Split('.'), Text.Split('.').Length);
        return Enumerable.Range(0, Math.Max(0, names.Length - count + 1)).Select(first => string.Join(".", names.Skip(first).Take(count)));
    }
}

/// <summary>
/// Low-rank adapters (Hu et al., "LoRA: low-rank adaptation of large language models", 2021, section 4.1): a matrix W that a pattern names is used as
/// W + scale B A with scale = alpha / rank; only A [rank, inputs] and B [outputs, rank] are trained.
/// </summary>
public sealed record AdapterSettings(int Rank, double Alpha, EquatableArray<ParameterPattern> Of)
{
    public double Scale => Alpha / Rank;
}

/// <summary>What a matrix and its adapter are to each other.</summary>
public enum AdapterPart
{
    None,

    /// <summary>A [rank, inputs].</summary>
    A,

    /// <summary>B [outputs, rank].</summary>
    B,
}
