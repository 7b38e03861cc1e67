using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Attention
{
    // Runs of so few tokens read the cache as it is; bringing it into tiles would cost more than the products.
    private const int FewTokens = 4;
    private const int AppendRows = 32;

    private struct CachedArguments
    {
        public AttentionShape Shape;
        public CacheView Cache;
        public nint* Scratch;
        public float* Q;
        public float* K;
        public float* V;
        public float* Sink;
        public float* Output;
        public float* Partials;
        public DecodeRun* Runs;
        public int RunCount;

        // The run in hand, of many tokens.
        public SequenceRun Run;
        public long Row;
    }

    /// <summary>
    /// Appends the keys and values of new tokens to the cache, then attends: the tokens of all runs lie one behind the other, each sees what is
    /// cached of its own sequence, itself included (under the mask). The result of a sequence does not depend on the other ones.
    /// </summary>
    /// <param name="team">Threads.</param>
    /// <param name="s">Sizes and strides of the new tokens. Batch, Queries and Keys do not matter.</param>
    /// <param name="q">New queries.</param>
    /// <param name="k">New keys.</param>
    /// <param name="v">New values.</param>
    /// <param name="sink">Sinks, or null.</param>
    /// <param name="cache">Keys and values so far.</param>
    /// <param name="runs">Where the tokens belong; no two of one slot.</param>
    /// <param name="output">Receives the output.</param>
    public static void Cached(
        Team team, in AttentionShape s, float* q, float* k, float* v, float* sink, in CacheView cache, ReadOnlySpan<SequenceRun> runs, float* output)
    {
        var a = new CachedArguments { Shape = s with { Batch = 1 }, Cache = cache, Q = q, K = k, V = v, Sink = sink, Output = output };
        switch (cache.Format)
        {
            case CacheFormat.BFloat16:
                Cached<BFloat16Element>(team, a, runs);
                break;
            case CacheFormat.SByte:
                Cached<SByteElement>(team, a, runs);
                break;
            default:
                Cached<SingleElement>(team, a, runs);
                break;
        }
    }

    private static void Cached<TElement>(Team team, CachedArguments a, ReadOnlySpan<SequenceRun> runs)
        where TElement : struct, ICacheElement
    {
        using var hold = team.Hold();
        Decode<TElement>(team, a, runs);
        foreach (var run in runs)
        {
            if (run.Count > FewTokens)
            {
                a.Run = run;
                Prefill<TElement>(team, a);
            }

            a.Row += run.Count;
        }
    }

    private static void Prefill<TElement>(Team team, CachedArguments a)
        where TElement : struct, ICacheElement
    {
        team.Run(&AppendChunk<TElement>, &a, Groups(a.Run.Count, AppendRows));
        ref readonly var s = ref a.Shape;
        var f = new ForwardArguments
        {
            Shape = s with
            {
                Queries = a.Run.Count, Keys = a.Run.Past + a.Run.Count,
                KeyStride = (long)s.KeyHeads * s.KeyWidth, ValueStride = (long)s.KeyHeads * s.ValueWidth,
            },
            Kernels = team.Kernels, Q = a.Q + (a.Row * s.QueryStride), K = (float*)a.Cache.Key(a.Run.Slot, 0, 0), V = (float*)a.Cache.Value(a.Run.Slot, 0, 0),
            Sink = a.Sink, Output = a.Output + (a.Row * s.OutputStride), Past = a.Run.Past, Cache = a.Cache, Slot = a.Run.Slot,
        };
        Forward(team, f);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AppendChunk<TElement>(void* arguments, int chunk, int worker)
        where TElement : struct, ICacheElement
    {
        ref readonly var a = ref *(CachedArguments*)arguments;
        for (var token = chunk * AppendRows; token < Math.Min((chunk + 1) * AppendRows, a.Run.Count); token++)
        {
            for (var head = 0; head < a.Shape.KeyHeads; head++)
            {
                Append<TElement>(a, a.Row + token, a.Run.Slot, a.Run.Past + token, head);
            }
        }
    }

    private static void Append<TElement>(in CachedArguments a, long row, int slot, int position, int head)
        where TElement : struct, ICacheElement
    {
        ref readonly var s = ref a.Shape;
        var keyScale = TElement.Put(a.K + (row * s.KeyStride) + ((long)head * s.KeyWidth), a.Cache.Key(slot, position, head), s.KeyWidth);
        var valueScale = TElement.Put(a.V + (row * s.ValueStride) + ((long)head * s.ValueWidth), a.Cache.Value(slot, position, head), s.ValueWidth);
        if (TElement.IsScaled)
        {
            *a.Cache.KeyScale(slot, position, head) = keyScale;
            *a.Cache.ValueScale(slot, position, head) = valueScale;
        }
    }
}
