using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>An <see cref="AttentionShape"/> as kernels take it.</summary>
internal struct AttentionSizes
{
    public int Batch, Queries, Keys, Heads, KeyHeads, KeyWidth, ValueWidth, Causal, Window, QueryStride, KeyStride, ValueStride, OutputStride;

    /// <summary>The position of the first query.</summary>
    public int Past;

    public int HasSink, HasLse;
    public float Scale;

    /// <summary>Floats between sequences of keys and of values.</summary>
    public long KeyBatch, ValueBatch;

    public static AttentionSizes Of(in AttentionShape s)
    {
        if (Math.Max(s.KeyWidth, s.ValueWidth) > Attention.MostWidth)
        {
            throw new NotSupportedException($"A head is {s.KeyWidth} and {s.ValueWidth} floats wide; an ILGPU device takes at most {Attention.MostWidth}.");
        }

        return new()
        {
            Batch = s.Batch, Queries = s.Queries, Keys = s.Keys, Heads = s.Heads, KeyHeads = s.KeyHeads, KeyWidth = s.KeyWidth, ValueWidth = s.ValueWidth,
            Causal = s.Causal ? 1 : 0, Window = s.Window, QueryStride = (int)s.QueryStride, KeyStride = (int)s.KeyStride, ValueStride = (int)s.ValueStride,
            OutputStride = (int)s.OutputStride, Scale = s.Scale, KeyBatch = s.Keys * s.KeyStride, ValueBatch = s.Keys * s.ValueStride,
        };
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
