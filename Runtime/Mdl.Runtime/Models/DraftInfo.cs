namespace Mdl.Runtime.Models;

/// <summary>How a model predicts more than the next token: its mtp block as programs, one for each depth.</summary>
/// <param name="Widths">Numbers for each token that the model, and each depth, hands to the next; one width for each name that the block reads.</param>
/// <param name="Depth">Number of programs.</param>
/// <param name="Chains">Whether the last may be applied again and again to its own results.</param>
/// <param name="Problem">Why there are none although the model has an mtp block, or null.</param>
public sealed record DraftInfo(IReadOnlyList<int> Widths, int Depth, bool Chains, string? Problem)
{
    /// <summary>Of a model that predicts the next token only.</summary>
    public static DraftInfo None { get; } = new([], 0, false, null);
}
