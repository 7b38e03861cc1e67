using System.Runtime.CompilerServices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// The cached keys and values of one attention: [Slots, Capacity, KeyHeads, width], and the factors of 1-byte numbers: [Slots, KeyHeads, Capacity].
/// </summary>
public readonly unsafe struct CacheView
{
    private const long Alignment = 64;

    private readonly CacheLayer _layer;
    private readonly byte* _keys;
    private readonly byte* _values;
    private readonly float* _keyScales;
    private readonly float* _valueScales;

    private CacheView(CacheLayer layer, int capacity, CacheFormat format, byte* keys, byte* values, float* keyScales, float* valueScales)
    {
        (_layer, Capacity, Format) = (layer, capacity, format);
        _keys = keys;
        _values = values;
        _keyScales = keyScales;
        _valueScales = valueScales;
    }

    /// <summary>Most tokens of a slot.</summary>
    public int Capacity { get; }

    /// <summary>How numbers are held.</summary>
    public CacheFormat Format { get; }

    private int ElementBytes => BytesOf(Format);

    /// <summary>A cache in given memory; of no use but for the size without memory.</summary>
    internal static CacheView Place(CacheLayer layer, int slots, int capacity, CacheFormat format, byte* memory, out long bytes)
    {
        static long Aligned(long size) => (size + Alignment - 1) / Alignment * Alignment;
        var heads = (long)slots * capacity * layer.KeyHeads;
        var keys = Aligned(heads * layer.KeyWidth * BytesOf(format));
        var values = Aligned(heads * layer.ValueWidth * BytesOf(format));
        var scales = format == CacheFormat.SByte ? Aligned(heads * sizeof(float)) : 0;
        bytes = keys + values + (2 * scales);
        return new(
            layer, capacity, format, memory, memory + keys, (float*)(memory + keys + values), (float*)(memory + keys + values + scales));
    }

    /// <summary>The key of a token and head; those of the next token lie KeyHeads * KeyWidth numbers further on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal byte* Key(int slot, int position, int head) =>
        _keys + (((((long)slot * Capacity) + position) * _layer.KeyHeads + head) * _layer.KeyWidth * ElementBytes);

    /// <summary>The value of a token and head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal byte* Value(int slot, int position, int head) =>
        _values + (((((long)slot * Capacity) + position) * _layer.KeyHeads + head) * _layer.ValueWidth * ElementBytes);

    /// <summary>The factors of a head's keys, one a token.</summary>
    internal float* KeyScale(int slot, int position, int head) => _keyScales + ((((long)slot * _layer.KeyHeads) + head) * Capacity) + position;

    /// <summary>The factors of a head's values, one a token.</summary>
    internal float* ValueScale(int slot, int position, int head) => _valueScales + ((((long)slot * _layer.KeyHeads) + head) * Capacity) + position;

    internal void Copy(int from, int to, int count)
    {
        var keys = (long)count * _layer.KeyHeads * _layer.KeyWidth * ElementBytes;
        var values = (long)count * _layer.KeyHeads * _layer.ValueWidth * ElementBytes;
        Buffer.MemoryCopy(Key(from, 0, 0), Key(to, 0, 0), keys, keys);
        Buffer.MemoryCopy(Value(from, 0, 0), Value(to, 0, 0), values, values);
        for (var head = 0; head < _layer.KeyHeads && Format == CacheFormat.SByte; head++)
        {
            Rows.Copy(KeyScale(from, 0, head), KeyScale(to, 0, head), count);
            Rows.Copy(ValueScale(from, 0, head), ValueScale(to, 0, head), count);
        }
    }

    private static int BytesOf(CacheFormat format) => format switch
    {
        CacheFormat.Single => sizeof(float),
        CacheFormat.BFloat16 => sizeof(ushort),
        CacheFormat.SByte => sizeof(sbyte),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "There is no such format of a cache."),
    };
}
