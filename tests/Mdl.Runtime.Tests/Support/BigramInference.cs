using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Tests.Support;

/// <summary>Logits of <see cref="BigramModel"/>. It keeps the tokens it was run with as its "cache", so that tests see what a caller put there.</summary>
public sealed unsafe class BigramInference(BigramModel model, int slots, int rows, int capacity) : InferenceProgram
{
    private const int V = BigramModel.Vocabulary;
    private readonly Arena _arena = new(4L * (rows + (rows * V)));
    private readonly List<int>[] _caches = [.. Enumerable.Range(0, slots).Select(_ => new List<int>(capacity))];

    /// <summary>The tokens of the first sequence, by position.</summary>
    public List<int> Cache => _caches[0];

    /// <summary>Runs so far.</summary>
    public int RunCount { get; private set; }

    /// <summary>Tokens that were run so far, of all sequences.</summary>
    public int TokenCount { get; private set; }

    public override int Slots => slots;

    public override int Rows => rows;

    public override int Capacity => capacity;

    public override CacheFormat CacheFormat => CacheFormat.Single;

    public override long ArenaBytes => _arena.Bytes;

    public override int* Tokens => (int*)_arena.Memory;

    public override float* Logits => (float*)_arena.Memory + rows;

    /// <summary>The tokens of a slot, by position.</summary>
    public IReadOnlyList<int> CacheOf(int slot) => _caches[slot];

    public override void Run(ReadOnlySpan<SequenceRun> runs, bool lastOnly)
    {
        TokenCount += Check(runs);
        RunCount++;
        var (token, row) = (0, 0);
        foreach (var run in runs)
        {
            var cache = _caches[run.Slot];
            if (run.Past > cache.Count)
            {
                throw new InvalidOperationException($"{run} with {cache.Count} cached of {capacity}.");
            }

            cache.RemoveRange(run.Past, cache.Count - run.Past);
            for (var i = 0; i < run.Count; i++, token++)
            {
                cache.Add(Tokens[token]);
                if (lastOnly && i < run.Count - run.Wanted)
                {
                    continue;
                }

                for (var v = 0; v < V; v++)
                {
                    Logits[(row * V) + v] = model.Weights[BigramModel.Table + (Tokens[token] * V) + v] + model.Weights[BigramModel.Gain + v]
                        + model.Weights[BigramModel.Gain + V + v];
                }

                row++;
            }
        }
    }

    public override void CopyCache(int from, int to, int count)
    {
        _caches[to].Clear();
        for (var i = 0; i < count; i++)
        {
            _caches[to].Add(_caches[from][i]);
        }
    }

    public override void Dispose() => _arena.Dispose();
}
