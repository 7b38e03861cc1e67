using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Models;

/// <summary>
/// What generated inference programs of the host have in common: the cache, memory for the caller, and the tables by which kernels find out where
/// a row belongs. To the kernels, all rows of a run are one sequence; positions and attention alone tell them apart.
/// </summary>
public abstract unsafe class HostInferenceProgram : InferenceProgram
{
    private readonly Arena _caller;
    private readonly SequenceRun[] _runs;
    private readonly string? _uncached;
    private int _runCount;

    /// <summary>Allocates the cache and what the caller sees.</summary>
    /// <param name="layers">The attentions whose keys and values are cached.</param>
    /// <param name="slots">Sequences in the cache.</param>
    /// <param name="rows">Most tokens in one run.</param>
    /// <param name="capacity">Most tokens of a sequence.</param>
    /// <param name="format">How the cache holds its numbers.</param>
    /// <param name="uncached">Why the model cannot continue a sequence, if it cannot: then runs begin at position 0 and have equal lengths.</param>
    /// <param name="given">Numbers beside the token that the caller gives for each row.</param>
    protected HostInferenceProgram(ReadOnlySpan<CacheLayer> layers, int slots, int rows, int capacity, CacheFormat format, string? uncached, int given = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        (Slots, Rows, Capacity, CacheFormat, _uncached) = (slots, rows, capacity, format, uncached);
        _runs = new SequenceRun[slots];
        _caller = new Arena(CallerBytes(rows, given));
        Cache = new KeyValueCache(layers, slots, capacity, format);
    }

    /// <inheritdoc/>
    public sealed override int Slots { get; }

    /// <inheritdoc/>
    public sealed override int Rows { get; }

    /// <inheritdoc/>
    public sealed override int Capacity { get; }

    /// <inheritdoc/>
    public sealed override CacheFormat CacheFormat { get; }

    /// <inheritdoc/>
    public sealed override long ArenaBytes => ProgramBytes + _caller.Bytes + Cache.Bytes;

    /// <inheritdoc/>
    public sealed override int* Tokens => (int*)_caller.Memory;

    /// <summary>Bytes of the program's own arena.</summary>
    protected abstract long ProgramBytes { get; }

    /// <summary>Numbers of the rows whose logits are asked for.</summary>
    protected int* ChosenRows => Tokens + Rows;

    /// <summary>The position of each row in its sequence.</summary>
    protected int* Positions => Tokens + (2L * Rows);

    /// <summary>Where the caller puts what it gives beside the tokens.</summary>
    protected float* GivenRows => (float*)(Tokens + (3L * Rows));

    /// <summary>Keys and values.</summary>
    protected KeyValueCache Cache { get; }

    /// <summary>The sequences of the run at hand.</summary>
    protected ReadOnlySpan<SequenceRun> Runs => _runs.AsSpan(0, _runCount);

    /// <summary>The bytes of cache and caller's memory of a program of given sizes.</summary>
    public static long BytesOf(ReadOnlySpan<CacheLayer> layers, int slots, int rows, int capacity, CacheFormat format, int given = 0) =>
        CallerBytes(rows, given) + KeyValueCache.BytesOf(layers, slots, capacity, format);

    /// <inheritdoc/>
    public sealed override void Run(ReadOnlySpan<SequenceRun> runs, bool lastOnly)
    {
        var total = Check(runs);
        runs.CopyTo(_runs);
        _runCount = runs.Length;
        int row = 0, chosen = 0;
        long twicePairs = 0;
        for (var i = 0; i < runs.Length; i++)
        {
            var run = runs[i];
            if (_uncached is not null && (run.Past > 0 || run.Count != runs[0].Count))
            {
                throw new NotSupportedException(_uncached);
            }

            twicePairs += run.Count * ((2L * run.Past) + run.Count + 1);
            for (var token = 0; token < run.Count; token++, row++)
            {
                Positions[row] = run.Past + token;
                if (!lastOnly || token >= run.Count - run.Wanted)
                {
                    ChosenRows[chosen++] = row;
                }
            }
        }

        if (_uncached is not null)
        {
            Compute(runs.Length, runs[0].Count, 0, chosen);
            return;
        }

        // A single sequence of all rows with this past would have as many pairs of queries and keys: that is what the costs of launches go by.
        Compute(1, total, ((twicePairs / total) - total - 1) / 2, chosen);
    }

    /// <inheritdoc/>
    public sealed override void CopyCache(int from, int to, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(from, Slots);
        ArgumentOutOfRangeException.ThrowIfNegative(to);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(to, Slots);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Capacity);
        Cache.Copy(from, to, count);
    }

    /// <inheritdoc/>
    public sealed override void Dispose()
    {
        DisposeArena();
        Cache.Dispose();
        _caller.Dispose();
    }

    /// <summary>Launches the model.</summary>
    /// <param name="batch">Sequences as the kernels see them.</param>
    /// <param name="length">Tokens of each.</param>
    /// <param name="past">Cached tokens, for the costs of launches.</param>
    /// <param name="rows">How many of the chosen rows there are.</param>
    protected abstract void Compute(long batch, long length, long past, long rows);

    /// <summary>Frees the program's own arena.</summary>
    protected abstract void DisposeArena();

    private static long CallerBytes(int rows, int given) => (3L + given) * sizeof(int) * rows;
}
