using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>What is known of an <see cref="AttentionShape"/> when a kernel runs.</summary>
internal struct AttentionExtent
{
    public int Queries, Keys;

    /// <summary>The position of the first query.</summary>
    public int Past;

    /// <summary>Floats between sequences of keys and of values.</summary>
    public long KeyBatch, ValueBatch;
}

/// <summary>An <see cref="AttentionShape"/> as kernels take it: the sizes of the model, for which they are compiled, and with them the extent.</summary>
internal record struct AttentionSizes
{
    public int Queries, Keys, Heads, KeyHeads, KeyWidth, ValueWidth, Causal, Window, QueryStride, KeyStride, ValueStride, OutputStride;

    public int Past;

    public int HasSink, HasLse;
    public float Scale;

    public long KeyBatch, ValueBatch;

    /// <summary>The sizes of the model, without the extent.</summary>
    public static AttentionSizes Of(in AttentionShape s)
    {
        if (Math.Max(s.KeyWidth, s.ValueWidth) > Attention.MostWidth)
        {
            throw new NotSupportedException($"A head is {s.KeyWidth} and {s.ValueWidth} floats wide; an ILGPU device takes at most {Attention.MostWidth}.");
        }

        return new()
        {
            Heads = s.Heads, KeyHeads = s.KeyHeads, KeyWidth = s.KeyWidth, ValueWidth = s.ValueWidth,
            Causal = s.Causal ? 1 : 0, Window = s.Window, QueryStride = (int)s.QueryStride, KeyStride = (int)s.KeyStride, ValueStride = (int)s.ValueStride,
            OutputStride = (int)s.OutputStride, Scale = s.Scale,
        };
    }

    public static AttentionExtent Extent(in AttentionShape s) =>
        new() { Queries = s.Queries, Keys = s.Keys, KeyBatch = s.Keys * s.KeyStride, ValueBatch = s.Keys * s.ValueStride };

    /// <summary>The sizes with an extent.</summary>
    public static AttentionSizes With(AttentionSizes s, AttentionExtent extent)
    {
        (s.Queries, s.Keys, s.Past) = (extent.Queries, extent.Keys, extent.Past);
        (s.KeyBatch, s.ValueBatch) = (extent.KeyBatch, extent.ValueBatch);
        return s;
    }

    /// <summary>The first key that a query sees.</summary>
    public static int Begin(AttentionSizes s, int query)
    {
        var first = s.Past + query - s.Window + 1;
        return s.Causal != 0 && s.Window > 0 && first > 0 ? first : 0;
    }

    /// <summary>The key after the last that a query sees.</summary>
    public static int End(AttentionSizes s, int query)
    {
        var end = s.Past + query + 1;
        return s.Causal != 0 && end < s.Keys ? end : s.Keys;
    }
}
