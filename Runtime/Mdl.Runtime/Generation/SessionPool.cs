using Mdl.Runtime.Models;

namespace Mdl.Runtime.Generation;

/// <summary>
/// Continues many texts at once over one set of weights. Each has a slot of the key/value cache; a <see cref="Step"/> runs the next tokens of all of
/// them together, long prompts in parts, so that nobody waits for another's prompt. What a slot holds stays there when its session closes, and a later
/// prompt that begins alike does not compute it again. Steps allocate no managed memory. All members are for one thread; to cancel from another, give a
/// session a token.
/// </summary>
public sealed unsafe class SessionPool : IDisposable
{
    private readonly InferenceProgram _program;
    private readonly Drafter? _drafter;
    private readonly Sampler _sampler;
    private readonly SessionState[] _states;
    private readonly SequenceRun[] _runs;
    private readonly int _vocabulary;
    private readonly int _shortestReuse;
    private readonly int _drawing;
    private int _first;
    private ulong _opened;

    /// <summary>Creates the program and its cache.</summary>
    /// <param name="model">The model; it stays the caller's.</param>
    /// <param name="slots">Most sessions at a time.</param>
    /// <param name="capacity">Most tokens of prompt and continuation together.</param>
    /// <param name="chunk">Most prompt tokens, of all sessions together, in one step.</param>
    /// <param name="format">How the cache holds its numbers.</param>
    /// <param name="shortestReuse">Prefixes of fewer tokens are computed again rather than reused.</param>
    /// <param name="speculate">The most tokens of each text, up to 3, that multi-token prediction proposes; see <see cref="Generator"/>.</param>
    /// <exception cref="NotSupportedException">The model, or its device, cannot predict so many tokens ahead.</exception>
    public SessionPool(
        LanguageModel model, int slots, int capacity, int chunk = 128, CacheFormat format = CacheFormat.Single, int shortestReuse = 8, int speculate = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(shortestReuse, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(speculate);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(speculate, Drafter.Most);
        _vocabulary = model.Info.Vocabulary;
        _drawing = checked(slots * (1 + speculate));
        _sampler = new Sampler(_vocabulary);
        _states = new SessionState[slots];
        for (var i = 0; i < slots; i++)
        {
            _states[i] = new SessionState(capacity, _vocabulary);
        }

        _runs = new SequenceRun[slots];
        _shortestReuse = shortestReuse;
        (_program, _drafter) = Drafter.Programs(model, slots, speculate, RowsOf(slots, chunk, speculate), capacity, format);
    }

    /// <summary>Most sessions at a time.</summary>
    public int Slots => _states.Length;

    /// <summary>Most tokens of prompt and continuation together.</summary>
    public int Capacity => _program.Capacity;

    /// <summary>Bytes of activations and cache.</summary>
    public long MemoryBytes => _program.ArenaBytes + (_drafter?.MemoryBytes ?? 0);

    /// <summary>What happened so far.</summary>
    public SessionStatistics Statistics { get; private set; }

    /// <summary>Sessions that have not been closed.</summary>
    public int OpenSessions { get; private set; }

    /// <summary>The most tokens that a program for these sizes runs at once: what <see cref="MemoryBytes"/> depends on, besides the cache.</summary>
    /// <param name="slots">Most sessions at a time.</param>
    /// <param name="chunk">Most prompt tokens in one step.</param>
    /// <param name="speculate">Most tokens of each text that multi-token prediction proposes.</param>
    public static int RowsOf(int slots, int chunk, int speculate = 0) => checked((slots * (1 + speculate)) + chunk);

    /// <summary>Begins a text. Nothing is computed before the next step.</summary>
    /// <param name="prompt">At least one token, and fewer than <see cref="Capacity"/>.</param>
    /// <param name="options">How to draw.</param>
    /// <param name="cancellation">Ends the text at the next step.</param>
    /// <exception cref="ArgumentException">The prompt is empty, too long, or outside the vocabulary, or an option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">All slots are taken; see <see cref="TryOpen"/>.</exception>
    public Session Open(ReadOnlySpan<int> prompt, SamplingOptions options, CancellationToken cancellation = default) =>
        TryOpen(prompt, options, out var session, cancellation)
            ? session
            : throw new InvalidOperationException($"All {Slots} slots are taken; close a session before opening another.");

    /// <summary>Begins a text, if there is a free slot.</summary>
    /// <param name="prompt">See <see cref="Open"/>.</param>
    /// <param name="options">How to draw.</param>
    /// <param name="session">The session.</param>
    /// <param name="cancellation">Ends the text at the next step.</param>
    /// <exception cref="ArgumentException">The prompt is empty, too long, or outside the vocabulary, or an option is out of its range.</exception>
    public bool TryOpen(ReadOnlySpan<int> prompt, SamplingOptions options, out Session session, CancellationToken cancellation = default)
    {
        SessionState.Check(prompt, options, Capacity, _vocabulary);
        session = default;
        var slot = Place(prompt, out var source, out var shared);
        if (slot < 0)
        {
            return false;
        }

        if (source != slot && shared > 0)
        {
            _program.CopyCache(source, slot, shared);
        }

        _drafter?.Begin(slot, source, shared);
        var state = _states[slot];
        state.Begin(prompt, shared, options, cancellation, ++_opened);
        OpenSessions++;
        Statistics = Statistics with
        {
            Opened = Statistics.Opened + 1, PromptTokens = Statistics.PromptTokens + prompt.Length, ReusedTokens = Statistics.ReusedTokens + shared,
        };
        session = new Session(this, slot, state.Number);
        return true;
    }

    /// <summary>
    /// Runs all sessions that have not stopped: those whose prompt is done draw a token, the others get on with their prompts. Read the new tokens
    /// with <see cref="Session.TryRead"/>.
    /// </summary>
    /// <returns>Whether there is a session that has not stopped.</returns>
    /// <exception cref="InvalidOperationException">The model's logits are not numbers.</exception>
    public bool Step()
    {
        var count = Gather();
        if (count == 0)
        {
            return false;
        }

        _program.Run(_runs.AsSpan(0, count), lastOnly: true);
        Statistics = Statistics with { Steps = Statistics.Steps + 1 };
        var going = false;
        var logits = _program.Logits;
        for (var i = 0; i < count; i++)
        {
            var state = _states[_runs[i].Slot];
            Draw(state, _runs[i], logits);
            logits += (long)_runs[i].Wanted * _vocabulary;
            going |= state.Stop == StopReason.None;
        }

        _drafter?.Follow(_states, _sampler, _program, _runs.AsSpan(0, count));
        return going;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _drafter?.Dispose();
        _program.Dispose();
    }

    // Counts what a run has left in the cache, and draws if that was the text's last token.
    private void Draw(SessionState state, in SequenceRun run, float* logits)
    {
        var s = Statistics with { ComputedTokens = Statistics.ComputedTokens + run.Count };
        var (before, drafted) = (state.Count, run.Wanted - 1);
        state.Cached += run.Count - drafted;
        if (state.Cached < before)
        {
            Statistics = s;
            return;
        }

        var accepted = 0;
        if (_drafter is not null)
        {
            accepted = _drafter.Verify(run.Slot, state, _sampler, logits);
            state.Cached += accepted;
        }
        else
        {
            state.Draw(_sampler, new ReadOnlySpan<float>(logits, _vocabulary));
        }

        // A token that ends the text is drawn, although it is no part of it.
        var drawn = state.Count - before + (state.Stop == StopReason.StopToken ? 1 : 0);
        Statistics = s with { DrawnTokens = s.DrawnTokens + drawn, Drafted = s.Drafted + drafted, Accepted = s.Accepted + accepted };
    }

    internal SessionState StateOf(int slot, ulong number)
    {
        var state = _states[slot];
        return state.IsOpen && state.Number == number ? state : throw new InvalidOperationException("The session has been closed.");
    }

    internal void Close(int slot, ulong number)
    {
        if (_states[slot].IsOpen && _states[slot].Number == number)
        {
            _states[slot].Close();
            OpenSessions--;
        }
    }

    /// <summary>The free slot whose use costs least: it, or a busy one, shares the longest prefix with the prompt.</summary>
    private int Place(ReadOnlySpan<int> prompt, out int source, out int shared)
    {
        (source, shared) = (-1, 0);
        for (var i = 0; i < _states.Length; i++)
        {
            // Of equals, a free slot is better than a busy one: nothing is copied.
            var length = _states[i].Shared(prompt);
            if (length > shared || (length == shared && length > 0 && !_states[i].IsOpen && _states[source].IsOpen))
            {
                (source, shared) = (i, length);
            }
        }

        // What multi-token prediction has of a token depends on the next one, which the model has to leave once more for it.
        if (_drafter is not null && shared > 0)
        {
            shared = Math.Min(shared - 1, _states[source].Followed);
        }

        if (shared < _shortestReuse)
        {
            (source, shared) = (-1, 0);
        }

        if (source >= 0 && !_states[source].IsOpen)
        {
            return source;
        }

        // Otherwise the slot that was used least recently.
        var slot = -1;
        for (var i = 0; i < _states.Length; i++)
        {
            if (!_states[i].IsOpen && (slot < 0 || _states[i].Number < _states[slot].Number))
            {
                slot = i;
            }
        }

        return slot;
    }

    /// <summary>What the next step runs: a token of every session that draws, and as much of the prompts as there is room for.</summary>
    private int Gather()
    {
        var (count, tokens, wanting) = (0, 0, 0);
        for (var i = 0; i < _states.Length; i++)
        {
            var state = _states[i];
            state.StopIfDone(Capacity);
            if (state.IsRunning && state.Count - state.Cached == 1)
            {
                tokens = Add(ref count, tokens, i, 1);
                tokens = AddDrafts(ref _runs[count - 1], tokens);
            }
            else if (state.IsRunning)
            {
                wanting++;
            }
        }

        // Each prompt gets an equal share, and what others leave of theirs; who is first changes from step to step.
        var room = _program.Rows - _drawing;
        for (var i = 0; i < _states.Length && wanting > 0; i++)
        {
            var slot = (_first + i) % _states.Length;
            var state = _states[slot];
            if (state.IsRunning && state.Count - state.Cached > 1)
            {
                var part = Math.Min(state.Count - state.Cached, (room + wanting - 1) / wanting);
                wanting--;
                if (part > 0)
                {
                    room -= part;
                    tokens = Add(ref count, tokens, slot, part);
                }
            }
        }

        _first = (_first + 1) % _states.Length;
        return count;
    }

    private int Add(ref int count, int tokens, int slot, int part)
    {
        var state = _states[slot];
        state.Tokens.AsSpan(state.Cached, part).CopyTo(new Span<int>(_program.Tokens + tokens, part));
        _runs[count++] = new SequenceRun(slot, state.Cached, part);
        return tokens + part;
    }

    private int AddDrafts(ref SequenceRun run, int tokens)
    {
        if (_drafter is null)
        {
            return tokens;
        }

        var drafts = _drafter.Drafts(run.Slot);
        drafts.CopyTo(new Span<int>(_program.Tokens + tokens, drafts.Length));
        run = run with { Count = run.Count + drafts.Length, Wanted = 1 + drafts.Length };
        return tokens + drafts.Length;
    }
}
