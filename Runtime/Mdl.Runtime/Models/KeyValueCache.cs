using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Models;

/// <summary>The keys and values of all attentions of a model, for several sequences. Each sequence has a slot of fixed capacity.</summary>
public sealed unsafe class KeyValueCache : IDisposable
{
    // Of a sequence in one attention: so many bytes fill large pages well. Less is filled slowly, text by text, and pages should come as it grows.
    private const long LargeSequence = 16L << 20;
    private readonly Arena _arena;
    private readonly CacheView[] _views;
    private readonly int[] _firsts;

    /// <summary>Allocates the memory, all zero.</summary>
    /// <param name="layers">The attentions of the model.</param>
    /// <param name="slots">Sequences.</param>
    /// <param name="capacity">Most tokens of a sequence.</param>
    /// <param name="format">How numbers are held.</param>
    public KeyValueCache(ReadOnlySpan<CacheLayer> layers, int slots, int capacity, CacheFormat format)
    {
        var total = BytesOf(layers, slots, capacity, format);
        long attentions = 0;
        foreach (var layer in layers)
        {
            attentions += layer.Instances;
        }

        _arena = new Arena(total, largePages: total >= LargeSequence * slots * attentions);
        _firsts = new int[layers.Length];
        var views = new List<CacheView>();
        var memory = _arena.Memory;
        for (var i = 0; i < layers.Length; i++)
        {
            _firsts[i] = views.Count;
            for (var instance = 0; instance < layers[i].Instances; instance++)
            {
                views.Add(CacheView.Place(layers[i], slots, capacity, format, memory, out var bytes));
                memory += bytes;
            }
        }

        _views = [.. views];
    }

    /// <summary>Bytes of the memory.</summary>
    public long Bytes => _arena.Bytes;

    /// <summary>The memory of one attention.</summary>
    /// <param name="layer">Its index among the attentions of the model.</param>
    /// <param name="instance">Which repetition.</param>
    public ref readonly CacheView this[int layer, long instance] => ref _views[_firsts[layer] + instance];

    /// <summary>The bytes that a cache allocates.</summary>
    public static long BytesOf(ReadOnlySpan<CacheLayer> layers, int slots, int capacity, CacheFormat format)
    {
        long total = 0;
        foreach (var layer in layers)
        {
            CacheView.Place(layer, slots, capacity, format, null, out var bytes);
            total += bytes * layer.Instances;
        }

        return total;
    }

    /// <summary>Copies what the first tokens of a slot left to another slot.</summary>
    public void Copy(int from, int to, int count)
    {
        for (var i = 0; i < _views.Length && from != to; i++)
        {
            _views[i].Copy(from, to, count);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _arena.Dispose();
}
