namespace Mdl.Runtime.Generation;

/// <summary>One text of a <see cref="SessionPool"/>. Copies are the same text; <see cref="Dispose"/> frees its slot.</summary>
public readonly struct Session : IDisposable, IEquatable<Session>
{
    private readonly SessionPool _pool;
    private readonly ulong _number;

    internal Session(SessionPool pool, int slot, ulong number)
    {
        (_pool, _number) = (pool, number);
        Slot = slot;
    }

    /// <summary>Its place in the cache.</summary>
    public int Slot { get; }

    /// <summary>Why it stopped; <see cref="StopReason.None"/> while it goes on.</summary>
    public StopReason StopReason => State.Stop;

    /// <summary>Prompt and continuation so far.</summary>
    /// <exception cref="InvalidOperationException">The session has been closed.</exception>
    public ReadOnlySpan<int> Tokens => State.Tokens.AsSpan(0, State.Count);

    /// <summary>The continuation so far.</summary>
    public ReadOnlySpan<int> Continuation => State.Tokens.AsSpan(State.PromptLength, State.Count - State.PromptLength);

    /// <summary>Tokens of the prompt that were in the cache already.</summary>
    public int ReusedTokens => State.Reused;

    private SessionState State => _pool.StateOf(Slot, _number);

    /// <summary>Whether two are the same session.</summary>
    public static bool operator ==(Session left, Session right) => left.Equals(right);

    /// <summary>Whether two are different sessions.</summary>
    public static bool operator !=(Session left, Session right) => !left.Equals(right);

    /// <summary>The next token of the continuation that has not been read.</summary>
    /// <returns>False if there is none yet, or none any more: see <see cref="StopReason"/>.</returns>
    public bool TryRead(out int token) => State.TryRead(out token);

    /// <summary>Ends the text: it takes no part in further steps. What it has can still be read.</summary>
    public void Cancel() => State.Cancel();

    /// <summary>Frees the slot. What its cache holds may serve later prompts that begin alike.</summary>
    public void Dispose() => _pool?.Close(Slot, _number);

    /// <inheritdoc/>
    public bool Equals(Session other) => _pool == other._pool && _number == other._number;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Session other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _number.GetHashCode();
}
