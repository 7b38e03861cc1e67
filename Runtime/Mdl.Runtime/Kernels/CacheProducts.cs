using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Kernels;

/// <summary>Products of single rows with cached keys and values, which are widened in registers. Strides are in bytes.</summary>
internal static unsafe class CacheProducts
{
    /// <summary>Queries that share what is widened.</summary>
    public const int Together = 4;

    /// <summary>
    /// The scaled inner products of four queries with some keys; query i writes behind to + i * toStride. The additions are those of
    /// <see cref="Scores"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ScoresOfFour<TElement>(
        float* query, long queryStride, byte* keys, long stride, float* factors, int count, int width, float scale, float* to, long toStride)
        where TElement : struct, ICacheElement
    {
        var third = query + (2 * queryStride);
        for (var j = 0; j < count; j++, keys += stride)
        {
            var s0 = Vector512<float>.Zero;
            var s1 = Vector512<float>.Zero;
            var s2 = Vector512<float>.Zero;
            var s3 = Vector512<float>.Zero;
            for (var i = 0; i < width; i += Rows.Lanes)
            {
                var key = TElement.Load(keys + (i * TElement.Bytes));
                s0 = Vector512.FusedMultiplyAdd(Vector512.Load(query + i), key, s0);
                s1 = Vector512.FusedMultiplyAdd(Vector512.Load(query + queryStride + i), key, s1);
                s2 = Vector512.FusedMultiplyAdd(Vector512.Load(third + i), key, s2);
                s3 = Vector512.FusedMultiplyAdd(Vector512.Load(third + queryStride + i), key, s3);
            }

            var products = Vector128.Create(Rows.Sum(s0), Rows.Sum(s1), Rows.Sum(s2), Rows.Sum(s3)) * scale;
            products = TElement.IsScaled ? products * factors[j] : products;
            to[j] = products[0];
            to[j + toStride] = products[1];
            to[j + (2 * toStride)] = products[2];
            to[j + (3 * toStride)] = products[3];
        }
    }

    /// <summary>Four sums of the same values, each with weights of its own. The additions are those of <see cref="WeightedSum"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WeightedSumsOfFour<TElement>(
        float* p, long pStride, byte* values, long stride, float* factors, int count, float* sum0, float* sum1, float* sum2, float* sum3, int width)
        where TElement : struct, ICacheElement
    {
        var p0 = p;
        var p1 = p0 + pStride;
        var p2 = p1 + pStride;
        var p3 = p2 + pStride;
        for (var j = 0; TElement.IsScaled && j < count; j++)
        {
            p0[j] *= factors[j];
            p1[j] *= factors[j];
            p2[j] *= factors[j];
            p3[j] *= factors[j];
        }

        for (var x = 0; x < width; x += 2 * Rows.Lanes)
        {
            Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
            var value = values + (x * TElement.Bytes);
            for (var j = 0; j < count; j++, value += stride)
            {
                var a = TElement.Load(value);
                var b = TElement.Load(value + (Rows.Lanes * TElement.Bytes));
                var weight = Vector512.Create(p0[j]);
                a0 = Vector512.FusedMultiplyAdd(weight, a, a0);
                b0 = Vector512.FusedMultiplyAdd(weight, b, b0);
                weight = Vector512.Create(p1[j]);
                a1 = Vector512.FusedMultiplyAdd(weight, a, a1);
                b1 = Vector512.FusedMultiplyAdd(weight, b, b1);
                weight = Vector512.Create(p2[j]);
                a2 = Vector512.FusedMultiplyAdd(weight, a, a2);
                b2 = Vector512.FusedMultiplyAdd(weight, b, b2);
                weight = Vector512.Create(p3[j]);
                a3 = Vector512.FusedMultiplyAdd(weight, a, a3);
                b3 = Vector512.FusedMultiplyAdd(weight, b, b3);
            }

            a0.Store(sum0 + x);
            b0.Store(sum0 + x + Rows.Lanes);
            a1.Store(sum1 + x);
            b1.Store(sum1 + x + Rows.Lanes);
            a2.Store(sum2 + x);
            b2.Store(sum2 + x + Rows.Lanes);
            a3.Store(sum3 + x);
            b3.Store(sum3 + x + Rows.Lanes);
        }
    }

    /// <summary>The scaled inner products of a query with up to four keys.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scores<TElement>(float* query, byte* keys, long stride, float* factors, int count, int width, float scale, float* to)
        where TElement : struct, ICacheElement
    {
        if (count == 4)
        {
            var products = Dot4<TElement>(query, keys, stride, width) * scale;
            (TElement.IsScaled ? products * Vector128.Load(factors) : products).Store(to);
            return;
        }

        // The same additions for a key whatever its neighbours are.
        for (var j = 0; j < count; j++)
        {
            var product = Dot4<TElement>(query, keys + (j * stride), 0, width).ToScalar() * scale;
            to[j] = TElement.IsScaled ? product * factors[j] : product;
        }
    }

    /// <summary>sum = the values weighted by p, which is scaled by the values' factors, if any.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WeightedSum<TElement>(float* p, byte* values, long stride, float* factors, int count, float* sum, int width)
        where TElement : struct, ICacheElement
    {
        for (var j = 0; TElement.IsScaled && j < count; j++)
        {
            p[j] *= factors[j];
        }

        var x = 0;
        for (; x <= width - (4 * Rows.Lanes); x += 4 * Rows.Lanes)
        {
            var s0 = Vector512<float>.Zero;
            var s1 = Vector512<float>.Zero;
            var s2 = Vector512<float>.Zero;
            var s3 = Vector512<float>.Zero;
            var value = values + (x * TElement.Bytes);
            for (var j = 0; j < count; j++, value += stride)
            {
                var weight = Vector512.Create(p[j]);
                s0 = Vector512.FusedMultiplyAdd(weight, TElement.Load(value), s0);
                s1 = Vector512.FusedMultiplyAdd(weight, TElement.Load(value + (Rows.Lanes * TElement.Bytes)), s1);
                s2 = Vector512.FusedMultiplyAdd(weight, TElement.Load(value + (2 * Rows.Lanes * TElement.Bytes)), s2);
                s3 = Vector512.FusedMultiplyAdd(weight, TElement.Load(value + (3 * Rows.Lanes * TElement.Bytes)), s3);
            }

            s0.Store(sum + x);
            s1.Store(sum + x + Rows.Lanes);
            s2.Store(sum + x + (2 * Rows.Lanes));
            s3.Store(sum + x + (3 * Rows.Lanes));
        }

        for (; x <= width - Rows.Lanes; x += Rows.Lanes)
        {
            var s0 = Vector512<float>.Zero;
            var value = values + (x * TElement.Bytes);
            for (var j = 0; j < count; j++, value += stride)
            {
                s0 = Vector512.FusedMultiplyAdd(Vector512.Create(p[j]), TElement.Load(value), s0);
            }

            s0.Store(sum + x);
        }

        for (; x < width; x++)
        {
            sum[x] = 0;
            for (var j = 0; j < count; j++)
            {
                sum[x] = MathF.FusedMultiplyAdd(p[j], TElement.Get(values + (j * stride) + (x * TElement.Bytes)), sum[x]);
            }
        }
    }

    /// <summary>Widens heads of some tokens to rows that lie one behind the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen<TElement>(byte* from, long stride, float* factors, int tokens, int width, float* to)
        where TElement : struct, ICacheElement
    {
        for (var j = 0; j < tokens; j++, from += stride, to += width)
        {
            var factor = TElement.IsScaled ? factors[j] : 1;
            var i = 0;
            for (; i <= width - Rows.Lanes; i += Rows.Lanes)
            {
                (TElement.Load(from + (i * TElement.Bytes)) * factor).Store(to + i);
            }

            for (; i < width; i++)
            {
                to[i] = TElement.Get(from + (i * TElement.Bytes)) * factor;
            }
        }
    }

    /// <summary>The inner products of a row with four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Dot4<TElement>(float* a, byte* rows, long stride, int count)
        where TElement : struct, ICacheElement
    {
        var s0 = Vector512<float>.Zero;
        var s1 = Vector512<float>.Zero;
        var s2 = Vector512<float>.Zero;
        var s3 = Vector512<float>.Zero;
        var b = rows;
        var c = rows + (2 * stride);
        var i = 0;
        for (; i <= count - Rows.Lanes; i += Rows.Lanes)
        {
            var x = Vector512.Load(a + i);
            s0 = Vector512.FusedMultiplyAdd(x, TElement.Load(b), s0);
            s1 = Vector512.FusedMultiplyAdd(x, TElement.Load(b + stride), s1);
            s2 = Vector512.FusedMultiplyAdd(x, TElement.Load(c), s2);
            s3 = Vector512.FusedMultiplyAdd(x, TElement.Load(c + stride), s3);
            b += Rows.Lanes * TElement.Bytes;
            c += Rows.Lanes * TElement.Bytes;
        }

        var sums = Vector128.Create(Rows.Sum(s0), Rows.Sum(s1), Rows.Sum(s2), Rows.Sum(s3));
        for (; i < count; i++, b += TElement.Bytes, c += TElement.Bytes)
        {
            sums += Vector128.Create(a[i]) * Vector128.Create(TElement.Get(b), TElement.Get(b + stride), TElement.Get(c), TElement.Get(c + stride));
        }

        return sums;
    }
}
