namespace Mdl.Runtime.Models;

/// <summary>Guards kernels, which index embeddings without checks, against tokens outside the vocabulary.</summary>
internal static class TokenRange
{
    /// <exception cref="ArgumentException">A token is negative or not below <paramref name="vocabulary"/>.</exception>
    public static void Check(ReadOnlySpan<int> tokens, int vocabulary)
    {
        for (var i = 0; i < tokens.Length; i++)
        {
            if ((uint)tokens[i] >= (uint)vocabulary)
            {
                throw new ArgumentException($"Token {i} is {tokens[i]}; the vocabulary has the tokens 0 to {vocabulary - 1}.", nameof(tokens));
            }
        }
    }
}
