using Mdl.Runtime.Models;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.Runtime.Generation;

/// <summary>A text of a <see cref="Generator"/> or in a slot of a <see cref="SessionPool"/>: one that goes on, or what a closed one left in the cache.</summary>
internal sealed class SessionState(int capacity, int vocabulary)
{
    private readonly int[] _occurrences = new int[vocabulary];
    private SamplingOptions _options = SamplingOptions.Greedy;
    private CancellationToken _cancellation;
    private int _read;

    /// <summary>Prompt and continuation.</summary>
    public int[] Tokens { get; } = new int[capacity];

    /// <summary>Tokens so far.</summary>
    public int Count { get; private set; }

    /// <summary>Tokens whose keys and values are in the cache.</summary>
    public int Cached { get; set; }

    /// <summary>Tokens that multi-token prediction has in its cache.</summary>
    public int Followed { get; set; }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptLength { get; private set; }

    /// <summary>Tokens of the prompt that were cached before.</summary>
    public int Reused { get; private set; }

    /// <summary>Tells sessions apart, in the order they were opened.</summary>
    public ulong Number { get; private set; }

    public bool IsOpen { get; private set; }

    public StopReason Stop { get; private set; }

    public bool IsRunning => IsOpen && Stop == StopReason.None;

    /// <summary>Throws for a prompt or options that no text can begin with.</summary>
    /// <exception cref="ArgumentException">The prompt is empty, too long, or outside the vocabulary, or an option is out of its range.</exception>
    public static void Check(ReadOnlySpan<int> prompt, SamplingOptions options, int capacity, int vocabulary)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (prompt.Length == 0 || prompt.Length >= capacity)
        {
            throw new ArgumentException(
                $"The prompt has {prompt.Length} tokens; it must have at least 1 and leave room for one more in the capacity of {capacity}.", nameof(prompt));
        }

        TokenRange.Check(prompt, vocabulary);
    }

    public void Begin(ReadOnlySpan<int> prompt, int reused, SamplingOptions options, CancellationToken cancellation, ulong number)
    {
        (_options, _cancellation, Number, IsOpen, Stop) = (options, cancellation, number, true, StopReason.None);
        (Count, PromptLength, Cached, Followed, Reused, _read) = (0, prompt.Length, reused, reused, reused, prompt.Length);
        Array.Clear(_occurrences);
        foreach (var token in prompt)
        {
            Append(token);
        }
    }

    /// <summary>Tokens at the beginning of a prompt that are in the cache. The last one must run: its logits are not kept.</summary>
    public int Shared(ReadOnlySpan<int> prompt) => Tokens.AsSpan(0, Math.Min(Cached, prompt.Length - 1)).CommonPrefixLength(prompt);

    /// <summary>Stops before a step that has nothing to draw.</summary>
    public void StopIfDone(int capacity)
    {
        if (!IsRunning)
        {
            return;
        }

        Stop = _cancellation.IsCancellationRequested ? StopReason.Canceled
            : Count == capacity ? StopReason.Capacity
            : Count - PromptLength >= _options.MaxTokens ? StopReason.MaxTokens
            : StopReason.None;
    }

    public SamplingOptions Options => _options;

    /// <summary>How often each token occurred within the repetition window.</summary>
    public ReadOnlySpan<int> Occurrences => _occurrences;

    /// <summary>The random number of the next token.</summary>
    public double Uniform => new Philox(_options.Seed, Sampler.StreamOf(_options.Sequence)).Double((ulong)Count);

    public void Draw(Sampler sampler, ReadOnlySpan<float> logits) => Take(sampler.Draw(logits, _occurrences, _options, Uniform));

    /// <summary>Goes on with a token that was drawn, or stops.</summary>
    public void Take(int token)
    {
        for (var i = 0; i < _options.StopTokens.Count; i++)
        {
            if (_options.StopTokens[i] == token)
            {
                Stop = StopReason.StopToken;
                return;
            }
        }

        Append(token);
        StopIfDone(Tokens.Length);
    }

    public bool TryRead(out int token)
    {
        token = _read < Count ? Tokens[_read] : 0;
        return _read < Count && _read++ >= 0;
    }

    public void Cancel() => Stop = Stop == StopReason.None ? StopReason.Canceled : Stop;

    public void Close() => IsOpen = false;

    private void Append(int token)
    {
        Tokens[Count++] = token;
        _occurrences[token]++;
        if (_options.RepetitionWindow > 0 && Count > _options.RepetitionWindow)
        {
            _occurrences[Tokens[Count - 1 - _options.RepetitionWindow]]--;
        }
    }
}
