namespace Mdl.Benchmarks.Workers;

/// <summary>The batches that both sides train on: the same uniform bytes for the same seed.</summary>
internal static class RandomTokens
{
    /// <summary>[batch, length], each from 0 to vocabulary - 1.</summary>
    public static int[] Batch(int seed, int batch, int length, int vocabulary)
    {
        var random = new Random(seed);
        var tokens = new int[batch * length];
        for (var i = 0; i < tokens.Length; i++)
        {
            tokens[i] = random.Next(vocabulary);
        }

        return tokens;
    }
}
