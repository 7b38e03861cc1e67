namespace Mdl.Runtime.Generation;

/// <summary>Draws a token from logits. Holds buffers for one vocabulary, so that drawing allocates nothing.</summary>
internal sealed class Sampler(int vocabulary)
{
    private const int FirstTake = 64;
    private readonly float[] _weights = new float[vocabulary];
    private readonly ulong[] _ranked = new ulong[vocabulary];

    /// <summary>The stream of random numbers of a continuation; far from those of weights and batches, which are hashes of names.</summary>
    public static ulong StreamOf(ulong sequence) => 0x53414D504C455200 + sequence;

    /// <summary>Draws a token.</summary>
    /// <param name="logits">One a token.</param>
    /// <param name="occurrences">How often each token occurred within the repetition window.</param>
    /// <param name="options">Temperature and filters.</param>
    /// <param name="uniform">The random number, in [0, 1).</param>
    public int Draw(ReadOnlySpan<float> logits, ReadOnlySpan<int> occurrences, SamplingOptions options, double uniform)
    {
        var likeliest = Likeliest(logits, occurrences, options);
        if (options.Temperature == 0)
        {
            return likeliest;
        }

        Exponentiate(_weights[likeliest], options.Temperature);
        return IsUnranked(options) ? DrawUnranked(options.MinP, uniform) : DrawRanked(options, uniform);
    }

    /// <summary>The probabilities that tokens are drawn with, for temperatures above 0.</summary>
    public void Probabilities(ReadOnlySpan<float> logits, ReadOnlySpan<int> occurrences, SamplingOptions options, Span<float> probabilities)
    {
        Exponentiate(_weights[Likeliest(logits, occurrences, options)], options.Temperature);
        if (IsUnranked(options))
        {
            var factor = (float)(1 / Cut(options.MinP));
            for (var i = 0; i < probabilities.Length; i++)
            {
                probabilities[i] = _weights[i] * factor;
            }

            return;
        }

        var (kept, mass) = Keep(options);
        probabilities.Clear();
        for (var rank = 0; rank < kept; rank++)
        {
            probabilities[Token(rank)] = (float)(_weights[Token(rank)] / mass);
        }
    }

    /// <summary>Draws a token with given weights, whose sum may be anything above 0; -1 if it is not.</summary>
    public static int Draw(ReadOnlySpan<float> weights, double uniform)
    {
        double total = 0;
        foreach (var weight in weights)
        {
            total += weight;
        }

        return Draw(weights, total, uniform);
    }

    private static bool IsUnranked(SamplingOptions options) => options.TopK == 0 && options.TopP >= 1;

    private int Likeliest(ReadOnlySpan<float> logits, ReadOnlySpan<int> occurrences, SamplingOptions options)
    {
        logits.CopyTo(_weights);
        Penalize(occurrences, options.RepetitionPenalty);
        return Likeliest();
    }

    private void Penalize(ReadOnlySpan<int> occurrences, double penalty)
    {
        if (penalty == 1)
        {
            return;
        }

        for (var i = 0; i < occurrences.Length; i++)
        {
            if (occurrences[i] > 0)
            {
                _weights[i] = (float)(_weights[i] > 0 ? _weights[i] / penalty : _weights[i] * penalty);
            }
        }
    }

    private int Likeliest()
    {
        var best = 0;
        for (var i = 0; i < _weights.Length; i++)
        {
            // A comparison with NaN is false, so one that stands first stays the best, and one further on must be asked for.
            if (_weights[i] > _weights[best] || float.IsNaN(_weights[i]))
            {
                best = i;
            }
        }

        return float.IsFinite(_weights[best])
            ? best
            : throw new InvalidOperationException($"The logit of token {best} is {_weights[best]}: the model's weights are damaged or have diverged.");
    }

    // Probabilities up to a factor; the likeliest token gets 1.
    private void Exponentiate(float largest, double temperature)
    {
        for (var i = 0; i < _weights.Length; i++)
        {
            _weights[i] = (float)Math.Exp((_weights[i] - largest) / temperature);
        }
    }

    private int DrawUnranked(double minimum, double uniform)
    {
        var total = Cut(minimum);
        return Draw(_weights, total, uniform);
    }

    // Takes away what is too unlikely; returns the sum of what is left.
    private double Cut(double minimum)
    {
        double total = 0;
        for (var i = 0; i < _weights.Length; i++)
        {
            if (_weights[i] < minimum)
            {
                _weights[i] = 0;
            }

            total += _weights[i];
        }

        return total;
    }

    private static int Draw(ReadOnlySpan<float> weights, double total, double uniform)
    {
        var rest = uniform * total;
        var last = -1;
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] > 0)
            {
                last = i;
                rest -= weights[i];
                if (rest < 0)
                {
                    break;
                }
            }
        }

        return last;
    }

    private int DrawRanked(SamplingOptions options, double uniform)
    {
        var (kept, mass) = Keep(options);
        var rest = uniform * mass;
        for (var rank = 0; rank < kept - 1; rank++)
        {
            rest -= _weights[Token(rank)];
            if (rest < 0)
            {
                return Token(rank);
            }
        }

        return Token(kept - 1);
    }

    // Ranks what the filters keep.
    private (int Kept, double Mass) Keep(SamplingOptions options)
    {
        for (var i = 0; i < _weights.Length; i++)
        {
            _ranked[i] = Key(i);
        }

        var count = options.TopK == 0 ? _weights.Length : Math.Min(options.TopK, _weights.Length);
        var ranked = options.TopK == 0 ? Math.Min(count, FirstTake) : count;
        Rank(ranked);
        var (kept, mass) = options.TopP < 1 ? KeepMass(count, ranked, options.TopP) : (count, Mass(count));
        while (_weights[Token(kept - 1)] < options.MinP)
        {
            mass -= _weights[Token(--kept)];
        }

        return (kept, mass);
    }

    // The fewest of the first `count` ranks that hold the share; more than `ranked` are ranked only if they are needed, which is rare.
    private (int Kept, double Mass) KeepMass(int count, int ranked, double share)
    {
        var wanted = share * Mass(count);
        double mass = 0;
        var kept = 0;
        while (kept < count)
        {
            if (kept == ranked)
            {
                ranked = (int)Math.Min(count, ranked * 4L);
                Rank(ranked);
            }

            mass += _weights[Token(kept++)];
            if (mass >= wanted)
            {
                break;
            }
        }

        return (kept, mass);
    }

    private double Mass(int count)
    {
        double mass = 0;
        for (var rank = 0; rank < count; rank++)
        {
            mass += _weights[Token(rank)];
        }

        return mass;
    }

    // Ascending keys are descending weights (bits of floats that are not negative order as the floats do), equal ones by their number.
    private ulong Key(int token) => ((ulong)~BitConverter.SingleToUInt32Bits(_weights[token]) << 32) | (uint)token;

    private int Token(int rank) => (int)(uint)_ranked[rank];

    private void Rank(int count)
    {
        if (count < _ranked.Length)
        {
            Select(_ranked, count);
        }

        _ranked.AsSpan(0, count).Sort();
    }

    // Hoare's selection: afterwards the smallest `count` keys come first, in any order. Keys are distinct.
    private static void Select(Span<ulong> keys, int count)
    {
        var (low, high) = (0, keys.Length - 1);
        while (low < high)
        {
            var pivot = keys[low + ((high - low) / 2)];
            var (i, j) = (low, high);
            while (i <= j)
            {
                while (keys[i] < pivot)
                {
                    i++;
                }

                while (keys[j] > pivot)
                {
                    j--;
                }

                if (i <= j)
                {
                    (keys[i], keys[j]) = (keys[j], keys[i]);
                    i++;
                    j--;
                }
            }

            if (count - 1 <= j)
            {
                high = j;
            }
            else if (count - 1 >= i)
            {
                low = i;
            }
            else
            {
                return;
            }
        }
    }
}
