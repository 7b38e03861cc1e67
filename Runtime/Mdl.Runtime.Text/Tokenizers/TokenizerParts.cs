using System.Text;
using Microsoft.ML.Tokenizers;

namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>What a tokenizer file says.</summary>
internal sealed record TokenizerParts
{
    public required Dictionary<string, int> Vocabulary { get; init; }

    public required BpeTokenizer Merger { get; init; }

    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

    public required PreTokenizer PreTokenizer { get; init; }

    public required NormalizationForm? Normalization { get; init; }

    /// <summary>Pieces that are tokens without merging ("ignore_merges"), or null.</summary>
    public required Dictionary<string, int>? WholePieces { get; init; }
}
