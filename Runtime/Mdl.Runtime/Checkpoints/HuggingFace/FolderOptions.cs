namespace Mdl.Runtime.Checkpoints;

/// <summary>How <see cref="Models.LanguageModel.SaveFolder"/> writes a published checkpoint.</summary>
public sealed record FolderOptions
{
    /// <summary>Type of all tensors but states, such as the bias of a router, which are written in single precision whatever is chosen.</summary>
    public TensorType Type { get; init; } = TensorType.BFloat16;

    /// <summary>Most bytes of tensors in one file, but for a file of a single tensor that is larger.</summary>
    public long MaxFileBytes { get; init; } = 5_000_000_000;

    /// <summary>
    /// Folder whose tokenizer, chat template and code are copied and whose config.json is continued; null for the one that the model was loaded from, if it
    /// was.
    /// </summary>
    public string? Companions { get; init; }
}

/// <summary>Types of numbers that published checkpoints are written in.</summary>
public enum TensorType
{
    /// <summary>bfloat16, rounded to nearest.</summary>
    BFloat16,

    /// <summary>IEEE half precision, rounded to nearest; numbers beyond 65504 are refused.</summary>
    Float16,

    /// <summary>Single precision: nothing is lost.</summary>
    Single,
}
