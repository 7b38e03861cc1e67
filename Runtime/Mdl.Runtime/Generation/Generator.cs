using Mdl.Runtime.Models;

namespace Mdl.Runtime.Generation;

/// <summary>
/// Continues token sequences with a model, one at a time, through a key/value cache. Neither starting nor decoding allocates managed memory.
/// The model's weights are read at each token: do not train while a text is being generated.
/// </summary>
public sealed unsafe class Generator : IDisposable
{
    private readonly InferenceProgram _program;
    private readonly Drafter? _drafter;
    private readonly Sampler _sampler;
    private readonly SessionState _state;
    private readonly int _vocabulary;
    private ulong _session;

    /// <summary>Creates the program and its cache.</summary>
    /// <param name="model">The model; it stays the caller's.</param>
    /// <param name="capacity">The most tokens of prompt and continuation together.</param>
    /// <param name="chunk">The most prompt tokens that run at once; more need more memory.</param>
    /// <param name="speculate">
    /// The most tokens, up to 3, that multi-token prediction proposes for the model to check in one run. Greedy texts do not change by it, and drawn ones keep
    /// their distribution.
    /// </param>
    /// <exception cref="NotSupportedException">The model, or its device, cannot predict so many tokens ahead.</exception>
    public Generator(LanguageModel model, int capacity, int chunk = 128, int speculate = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(speculate);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(speculate, Drafter.Most);
        _vocabulary = model.Info.Vocabulary;
        _sampler = new Sampler(_vocabulary);
        _state = new SessionState(capacity, _vocabulary);
        var rows = Math.Min(Math.Max(chunk, 1 + speculate), capacity);
        (_program, _drafter) = Drafter.Programs(model, 1, speculate, rows, capacity, CacheFormat.Single);
    }

    /// <summary>The most tokens of prompt and continuation together.</summary>
    public int Capacity => _state.Tokens.Length;

    /// <summary>Bytes of activations and cache.</summary>
    public long MemoryBytes => _program.ArenaBytes + (_drafter?.MemoryBytes ?? 0);

    /// <summary>What happened so far.</summary>
    public GenerationStatistics Statistics { get; private set; }

    /// <summary>Why the last text ended.</summary>
    public StopReason StopReason => _state.Stop;

    /// <summary>Prompt and continuation so far.</summary>
    public ReadOnlySpan<int> Tokens => _state.Tokens.AsSpan(0, _state.Count);

    /// <summary>Begins a text, which ends the one before. All of the prompt but its last chunk runs here.</summary>
    /// <param name="prompt">At least one token, and fewer than <see cref="Capacity"/>.</param>
    /// <param name="options">How to draw.</param>
    /// <returns>The continuation; it can be enumerated with <c>foreach</c>.</returns>
    /// <exception cref="ArgumentException">The prompt is empty, too long, or outside the vocabulary, or an option is out of its range.</exception>
    public GenerationSession Start(ReadOnlySpan<int> prompt, SamplingOptions options)
    {
        SessionState.Check(prompt, options, Capacity, _vocabulary);
        _state.Begin(prompt, 0, options, CancellationToken.None, ++_session);
        _drafter?.Begin(0);
        while (_state.Count - _state.Cached > _program.Rows)
        {
            Run(_program.Rows);
            _drafter?.Follow([_state], _sampler, _program, [new(0, _state.Cached - _program.Rows, _program.Rows)]);
        }

        return new GenerationSession(this, _session);
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
    public void Dispose()
    {
        _drafter?.Dispose();
        _program.Dispose();
    }

    internal bool TryNext(ulong session, out int token)
    {
        if (session != _session)
        {
            throw new InvalidOperationException("A later text was started with this generator; only the last one can go on.");
        }

        if (_state.TryRead(out token))
        {
            return true;
        }

        _state.StopIfDone(Capacity);
        if (_state.Stop != StopReason.None)
        {
            return false;
        }

        var (past, before) = (_state.Cached, _state.Count);
        if (_drafter is null)
        {
            Run(before - past);
            _state.Draw(_sampler, new ReadOnlySpan<float>(_program.Logits, _vocabulary));
            Count(before, 0, 0);
            return _state.TryRead(out token);
        }

        var drafted = _drafter.Drafts(0).Length;
        _drafter.Drafts(0).CopyTo(new Span<int>(_program.Tokens + (before - past), drafted));
        Run(before - past, drafted);
        var accepted = _drafter.Verify(0, _state, _sampler, _program.Logits);
        _state.Cached = before + accepted;
        _drafter.Follow([_state], _sampler, _program, [new(0, past, before - past + drafted)]);
        Count(before, drafted, accepted);
        return _state.TryRead(out token);
    }

    private void Count(int before, int drafted, int accepted)
    {
        var s = Statistics;
        Statistics = new(s.Runs + 1, s.DrawnTokens + _state.Count - before, s.Drafted + drafted, s.Accepted + accepted);
    }

    // Drafts stand behind the tokens already.
    private void Run(int count, int drafts = 0)
    {
        _state.Tokens.AsSpan(_state.Cached, count).CopyTo(new Span<int>(_program.Tokens, count));
        _program.Run([new SequenceRun(0, _state.Cached, count + drafts, 1 + drafts)], lastOnly: true);
        _state.Cached += count;
    }
}
