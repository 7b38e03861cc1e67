namespace Ling.FineTune.Data;

/// <summary>A sequence to learn from.</summary>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Weights">For each token, 1 if it is to be learnt and 0 if not.</param>
public sealed record Example(int[] Tokens, float[] Weights);

/// <summary>What there is to learn, and what is kept aside to measure by.</summary>
/// <param name="Training">To learn from.</param>
/// <param name="HeldOut">Never learnt from.</param>
/// <param name="Prompt">The tokens of a question or of the start of a text that was held out.</param>
public sealed record Dataset(IReadOnlyList<Example> Training, IReadOnlyList<Example> HeldOut, int[] Prompt)
{
    private const int OneOf = 10;
    private const int MostHeldOut = 64;

    /// <summary>Every tenth example is held out, up to 64; of fewer than ten the last.</summary>
    /// <exception cref="UsageException">There are fewer than two.</exception>
    public static Dataset Of(string path, IReadOnlyList<Example> examples, Func<int, int[]> promptOf)
    {
        if (examples.Count < 2)
        {
            throw new UsageException($"{path}: it has {(examples.Count == 0 ? "nothing" : "one example")} to learn from; at least two are needed, of which one is held out.");
        }

        var step = Math.Min(OneOf, examples.Count);
        var heldOut = Enumerable.Range(0, examples.Count).Where(i => i % step == step - 1).Take(MostHeldOut).ToHashSet();
        return new(
            [.. examples.Where((_, i) => !heldOut.Contains(i))], [.. examples.Where((_, i) => heldOut.Contains(i))], promptOf(heldOut.Min()));
    }
}
