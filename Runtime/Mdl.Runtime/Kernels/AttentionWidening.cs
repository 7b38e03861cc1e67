using Mdl.Runtime.Models;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Attention
{
    /// <summary>Scratch memory in which keys or values of a shorter format are widened, one block of tokens after the other.</summary>
    private static long WideningSize(in ForwardArguments a) =>
        a.Cache.Format == CacheFormat.Single ? 0 : (long)TileUnit * Math.Max(a.Shape.KeyWidth, a.Shape.ValueWidth);

    /// <summary>Brings the cached keys and values of one head into panels.</summary>
    private static void PackWidened<TElement>(in ForwardArguments a, in ForwardTiles t, int head, int keyBegin, int keys)
        where TElement : struct, ICacheElement
    {
        ref readonly var s = ref a.Shape;
        for (var from = 0; from < keys; from += TileUnit)
        {
            var (position, count) = (keyBegin + from, Math.Min(TileUnit, keys - from));
            CacheProducts.Widen<TElement>(
                a.Cache.Key(a.Slot, position, head), s.KeyStride * TElement.Bytes, a.Cache.KeyScale(a.Slot, position, head), count, s.KeyWidth, t.Widened);
            AttentionPacking.Transposed(a.Kernels, t.Widened, s.KeyWidth, count, s.KeyWidth, t.Keys + ((long)from * s.KeyWidth));
            CacheProducts.Widen<TElement>(
                a.Cache.Value(a.Slot, position, head), s.ValueStride * TElement.Bytes, a.Cache.ValueScale(a.Slot, position, head), count, s.ValueWidth, t.Widened);
            AttentionPacking.Columns(
                a.Kernels, t.Widened, s.ValueWidth, count, s.ValueWidth, t.Values + ((long)from * a.Kernels.TileColumns), t.ValueStep);
        }
    }
}
