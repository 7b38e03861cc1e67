using System.Globalization;

namespace Mdl.Runtime.Generation;

/// <summary>
/// How the next token is drawn. The filters apply in this order: repetition penalty, temperature, top-k, top-p (of what top-k left), min-p; what
/// is left is renormalised.
/// </summary>
public sealed record SamplingOptions
{
    /// <summary>Always the likeliest token.</summary>
    public static SamplingOptions Greedy { get; } = new() { Temperature = 0 };

    /// <summary>Divides the logits; 0 takes the likeliest token, the one with the lowest number among equals.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Keeps the likeliest k tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Keeps the fewest likeliest tokens whose probabilities sum to at least this; 1 keeps all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Keeps tokens at least this times as likely as the likeliest; 0 keeps all.</summary>
    public double MinP { get; init; }

    /// <summary>
    /// Divides the positive logits of tokens that occurred and multiplies the negative ones (Keskar et al., "CTRL", 2019); 1 changes nothing.
    /// </summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>How many of the last tokens, the prompt's included, count as occurred; 0 for all.</summary>
    public int RepetitionWindow { get; init; }

    /// <summary>The most tokens to generate; the capacity of the cache is a limit in any case.</summary>
    public int MaxTokens { get; init; } = int.MaxValue;

    /// <summary>Tokens that end the text; they are not returned.</summary>
    public IReadOnlyList<int> StopTokens { get; init; } = [];

    /// <summary>The key of the random numbers: a draw depends on seed, sequence and position only.</summary>
    public ulong Seed { get; init; }

    /// <summary>Tells continuations of one seed apart.</summary>
    public ulong Sequence { get; init; }

    /// <summary>Throws for an option outside its range; allocates nothing otherwise.</summary>
    /// <exception cref="ArgumentException">The message names the option, its value and its range.</exception>
    public void Validate()
    {
        Require(double.IsFinite(Temperature) && Temperature >= 0, "temperature", Temperature, "finite and not negative");
        Require(TopK >= 0, "top-k", TopK, "at least 1, or 0 for no limit");
        Require(TopP is > 0 and <= 1, "top-p", TopP, "above 0 and at most 1");
        Require(MinP is >= 0 and <= 1, "min-p", MinP, "in [0, 1]");
        Require(double.IsFinite(RepetitionPenalty) && RepetitionPenalty > 0, "repetition penalty", RepetitionPenalty, "finite and above 0");
        Require(RepetitionWindow >= 0, "repetition window", RepetitionWindow, "not negative");
        Require(MaxTokens >= 0, "number of tokens to generate", MaxTokens, "not negative");
    }

    private static void Require<T>(bool holds, string name, T value, string range)
        where T : IFormattable
    {
        if (!holds)
        {
            throw new ArgumentException($"The {name} is {value.ToString(null, CultureInfo.InvariantCulture)}; it must be {range}.");
        }
    }
}
