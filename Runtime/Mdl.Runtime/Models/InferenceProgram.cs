using Mdl.Runtime.Profiling;

namespace Mdl.Runtime.Models;

/// <summary>Computes logits with a key/value cache. Allocates nothing after construction.</summary>
public abstract unsafe class InferenceProgram : IDisposable
{
    /// <summary>Sequences in the cache.</summary>
    public abstract int Slots { get; }

    /// <summary>Most tokens in one run.</summary>
    public abstract int Rows { get; }

    /// <summary>Most tokens of a sequence in the cache.</summary>
    public abstract int Capacity { get; }

    /// <summary>How the cache holds its numbers.</summary>
    public abstract CacheFormat CacheFormat { get; }

    /// <summary>Bytes of activations and of the cache.</summary>
    public abstract long ArenaBytes { get; }

    /// <summary>The launches of a run and their costs, for the sizes at hand; none for a program that does not tell.</summary>
    public virtual IReadOnlyList<LaunchInfo> Launches => [];

    /// <summary>Where the caller puts the tokens: those of each sequence of a run behind those of the one before.</summary>
    public abstract int* Tokens { get; }

    /// <summary>
    /// The logits of the last run: [tokens, Vocabulary] in the order of <see cref="Tokens"/>, or [sequences, Vocabulary] if only those of each
    /// sequence's last token (of its last <see cref="SequenceRun.Wanted"/>) were asked for.
    /// </summary>
    public abstract float* Logits { get; }

    /// <summary>What the last run leaves for the next depth of multi-token prediction, one row for each token: see <see cref="DraftInfo.Widths"/>.</summary>
    /// <exception cref="NotSupportedException">The model has no programs for multi-token prediction.</exception>
    public virtual float* Carried(int index) => throw new NotSupportedException("The program carries nothing on to multi-token prediction.");

    /// <summary>Where the caller of a program of multi-token prediction puts what the depth before, or the model, left; rows as in <see cref="Tokens"/>.</summary>
    /// <exception cref="NotSupportedException">The program predicts the next token.</exception>
    public virtual float* Given(int index) => throw new NotSupportedException("The program needs nothing but tokens.");

    /// <summary>
    /// Runs tokens of some sequences. Keys and values of positions before those of a run come from its slot of the cache. Going back to an earlier
    /// position is allowed: it forgets what stood after it. The logits of a sequence depend on what else is in the run by no more than the order of
    /// additions in products, which depends on the number of rows.
    /// </summary>
    /// <param name="runs">The sequences; no slot twice.</param>
    /// <param name="lastOnly">Whether only the logits of each sequence's last token, or as many as it wants, are asked for.</param>
    /// <exception cref="ArgumentException">There are no runs or too many tokens, or a run is empty, beyond the capacity, or in a slot that is not there or used twice.</exception>
    /// <exception cref="NotSupportedException">The device, or the model, cannot run sequences of different lengths.</exception>
    public abstract void Run(ReadOnlySpan<SequenceRun> runs, bool lastOnly);

    /// <summary>
    /// Runs <paramref name="count"/> tokens of the sequence in each slot, at positions past .. past + count - 1.
    /// </summary>
    public void Run(int count, int past, bool lastOnly)
    {
        Span<SequenceRun> runs = stackalloc SequenceRun[Slots];
        for (var slot = 0; slot < runs.Length; slot++)
        {
            runs[slot] = new(slot, past, count);
        }

        Run(runs, lastOnly);
    }

    /// <summary>Copies what the first tokens of the sequence in one slot left in the cache to another slot.</summary>
    /// <param name="from">The slot that has it.</param>
    /// <param name="to">The slot that receives it; what it held is forgotten.</param>
    /// <param name="count">Tokens.</param>
    /// <exception cref="NotSupportedException">The program's cache cannot be copied.</exception>
    public abstract void CopyCache(int from, int to, int count);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Throws unless the program can run these sequences.</summary>
    /// <returns>Tokens of all together.</returns>
    protected int Check(ReadOnlySpan<SequenceRun> runs)
    {
        if (runs.Length == 0 || runs.Length > Slots)
        {
            throw new ArgumentException($"There are {runs.Length} sequences; there must be at least 1 and at most one a slot, {Slots}.", nameof(runs));
        }

        long total = 0;
        for (var i = 0; i < runs.Length; i++)
        {
            var run = runs[i];
            ArgumentOutOfRangeException.ThrowIfLessThan(run.Count, 1, nameof(runs));
            ArgumentOutOfRangeException.ThrowIfLessThan(run.Wanted, 1, nameof(runs));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(run.Wanted, run.Count, nameof(runs));
            ArgumentOutOfRangeException.ThrowIfNegative(run.Past, nameof(runs));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(run.Past, Capacity - run.Count, nameof(runs));
            ArgumentOutOfRangeException.ThrowIfNegative(run.Slot, nameof(runs));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(run.Slot, Slots, nameof(runs));
            total += run.Count;
            for (var j = 0; j < i; j++)
            {
                if (runs[j].Slot == run.Slot)
                {
                    throw new ArgumentException($"Slot {run.Slot} is in the run twice.", nameof(runs));
                }
            }
        }

        ArgumentOutOfRangeException.ThrowIfGreaterThan(total, Rows, nameof(runs));
        return (int)total;
    }
}
