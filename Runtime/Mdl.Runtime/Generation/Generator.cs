using Mdl.Runtime.Models;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.Runtime.Generation;

/// <summary>
/// Continues token sequences with a model, one at a time, through a key/value cache. Neither starting nor decoding allocates managed memory.
/// The model's weights are read at each token: do not train while a text is being generated.
/// </summary>
public sealed unsafe class Generator : IDisposable
{
    private readonly InferenceProgram _program;
    private readonly Sampler _sampler;
    private readonly int _vocabulary;
    private readonly int[] _tokens;
    private readonly int[] _occurrences;
    private SamplingOptions _options = SamplingOptions.Greedy;
    private int _promptLength;
    private int _count;
    private int _cached;
    private int _session;

    /// <summary>Creates the program and its cache.</summary>
    /// <param name="model">The model; it stays the caller's.</param>
    /// <param name="capacity">The most tokens of prompt and continuation together.</param>
    /// <param name="chunk">The most prompt tokens that run at once; more need more memory.</param>
    public Generator(LanguageModel model, int capacity, int chunk = 128)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        _program = model.CreateInferenceProgram(1, Math.Min(chunk, capacity), capacity);
        _vocabulary = model.Info.Vocabulary;
        _sampler = new Sampler(_vocabulary);
        _tokens = new int[capacity];
        _occurrences = new int[_vocabulary];
    }

    /// <summary>The most tokens of prompt and continuation together.</summary>
    public int Capacity => _tokens.Length;

    /// <summary>Bytes of activations and cache.</summary>
    public long MemoryBytes => _program.ArenaBytes;

    /// <summary>Why the last text ended.</summary>
    public StopReason StopReason { get; private set; }

    /// <summary>Prompt and continuation so far.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, _count);

    /// <summary>Begins a text, which ends the one before. All of the prompt but its last chunk runs here.</summary>
    /// <param name="prompt">At least one token, and fewer than <see cref="Capacity"/>.</param>
    /// <param name="options">How to draw.</param>
    /// <returns>The continuation; it can be enumerated with <c>foreach</c>.</returns>
    /// <exception cref="ArgumentException">The prompt is empty, too long, or outside the vocabulary, or an option is out of its range.</exception>
    public GenerationSession Start(ReadOnlySpan<int> prompt, SamplingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (prompt.Length == 0 || prompt.Length >= Capacity)
        {
            throw new ArgumentException(
                $"The prompt has {prompt.Length} tokens; it must have at least 1 and leave room for one more in the capacity of {Capacity}.", nameof(prompt));
        }

        TokenRange.Check(prompt, _vocabulary);
        _options = options;
        StopReason = StopReason.None;
        _promptLength = prompt.Length;
        _count = _cached = 0;
        Array.Clear(_occurrences);
        foreach (var token in prompt)
        {
            Append(token);
        }

        while (_count - _cached > _program.Rows)
        {
            Run(_program.Rows);
        }

        return new GenerationSession(this, ++_session);
    }

    /// <summary>Continues a prompt until the output is full or the text ends.</summary>
    /// <param name="prompt">See <see cref="Start"/>.</param>
    /// <param name="output">Where the continuation goes.</param>
    /// <param name="options">How to draw.</param>
    /// <param name="onToken">Is called with each token as it is drawn.</param>
    /// <returns>The number of tokens written; <see cref="StopReason"/> says why there are not more.</returns>
    public int Generate(ReadOnlySpan<int> prompt, Span<int> output, SamplingOptions options, Action<int>? onToken = null)
    {
        var session = Start(prompt, options);
        var written = 0;
        while (written < output.Length && session.TryNext(out var token))
        {
            output[written++] = token;
            onToken?.Invoke(token);
        }

        return written;
    }

    /// <inheritdoc/>
    public void Dispose() => _program.Dispose();

    internal bool TryNext(int session, out int token)
    {
        if (session != _session)
        {
            throw new InvalidOperationException("A later text was started with this generator; only the last one can go on.");
        }

        token = 0;
        if (StopReason != StopReason.None)
        {
            return false;
        }

        if (_count - _promptLength >= _options.MaxTokens || _count == Capacity)
        {
            StopReason = _count == Capacity ? StopReason.Capacity : StopReason.MaxTokens;
            return false;
        }

        Run(_count - _cached);
        token = Draw();
        if (IsStop(token))
        {
            StopReason = StopReason.StopToken;
            return false;
        }

        Append(token);
        return true;
    }

    private int Draw()
    {
        var philox = new Philox(_options.Seed, Sampler.StreamOf(_options.Sequence));
        return _sampler.Draw(new ReadOnlySpan<float>(_program.Logits, _vocabulary), _occurrences, _options, philox.Double((ulong)_count));
    }

    private bool IsStop(int token)
    {
        for (var i = 0; i < _options.StopTokens.Count; i++)
        {
            if (_options.StopTokens[i] == token)
            {
                return true;
            }
        }

        return false;
    }

    private void Append(int token)
    {
        _tokens[_count++] = token;
        _occurrences[token]++;
        if (_options.RepetitionWindow > 0 && _count > _options.RepetitionWindow)
        {
            _occurrences[_tokens[_count - 1 - _options.RepetitionWindow]]--;
        }
    }

    private void Run(int count)
    {
        _tokens.AsSpan(_cached, count).CopyTo(new Span<int>(_program.Tokens, count));
        _program.Run(count, _cached, lastOnly: true);
        _cached += count;
    }
}
