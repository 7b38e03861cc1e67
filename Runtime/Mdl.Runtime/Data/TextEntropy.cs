namespace Mdl.Runtime.Data;

/// <summary>
/// What a text's byte statistics alone give away: the loss of the best model that knows only how often each byte occurs, and of the best that
/// also knows the byte before. A language model has learnt something once it is below.
/// </summary>
/// <param name="Unigram">Entropy of a byte, in nats.</param>
/// <param name="Bigram">Entropy of a byte given the one before, in nats.</param>
public readonly record struct TextEntropy(double Unigram, double Bigram)
{
    /// <summary>Entropy of a byte, in bits.</summary>
    public double UnigramBits => Unigram / Math.Log(2);

    /// <summary>Entropy of a byte given the one before, in bits.</summary>
    public double BigramBits => Bigram / Math.Log(2);

    /// <summary>The entropies of a text.</summary>
    public static TextEntropy Of(ReadOnlySpan<byte> text)
    {
        var pairs = new long[256 * 256];
        for (var i = 1; i < text.Length; i++)
        {
            pairs[(text[i - 1] << 8) | text[i]]++;
        }

        var first = new long[256];
        var second = new long[256];
        for (var i = 0; i < pairs.Length; i++)
        {
            first[i >> 8] += pairs[i];
            second[i & 255] += pairs[i];
        }

        // H(X, Y) = H(X) + H(Y | X).
        return new TextEntropy(Entropy(second), Entropy(pairs) - Entropy(first));
    }

    private static double Entropy(long[] counts)
    {
        var total = (double)counts.Sum();
        double entropy = 0;
        foreach (var count in counts)
        {
            entropy -= count == 0 ? 0 : count / total * Math.Log(count / total);
        }

        return entropy;
    }
}
