namespace Mdl.Runtime.Generation;

/// <summary>The continuation of one prompt. Its state lives in the generator, so copies are the same text and starting another ends it.</summary>
public struct GenerationSession
{
    private readonly Generator _generator;
    private readonly ulong _session;

    internal GenerationSession(Generator generator, ulong session)
    {
        _generator = generator;
        _session = session;
    }

    /// <summary>The token that <see cref="MoveNext"/> found.</summary>
    public int Current { get; private set; }

    /// <summary>Draws the next token.</summary>
    /// <returns>False if the text has ended; the generator's <see cref="Generator.StopReason"/> says why.</returns>
    /// <exception cref="InvalidOperationException">Another text was started, or the model's logits are not numbers.</exception>
    public readonly bool TryNext(out int token) => _generator.TryNext(_session, out token);

    /// <summary>Draws the next token into <see cref="Current"/>.</summary>
    public bool MoveNext()
    {
        var found = TryNext(out var token);
        Current = token;
        return found;
    }

    /// <summary>Lets <c>foreach</c> go over the tokens.</summary>
    public readonly GenerationSession GetEnumerator() => this;
}
