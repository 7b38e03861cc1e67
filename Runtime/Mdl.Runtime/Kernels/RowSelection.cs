using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Kernels;

/// <summary>Selections along one row.</summary>
public static unsafe class RowSelection
{
    private const int BitsOfWord = 64;

    // Below every key that takes part; not-a-number comes right above it.
    private const int Excluded = int.MinValue;

    /// <summary>
    /// y [count]: the indices of the largest elements of x [n], largest first, ties to the lower index; not-a-number counts as smaller than every number.
    /// With <paramref name="groups"/> above 1 only elements of the <paramref name="keep"/> groups with the largest sums of their
    /// <paramref name="groupTop"/> largest elements take part.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    public static void Top(float* x, int* y, int n, int count, int groups, int keep, int groupTop)
    {
        var padded = stackalloc float[Vector512<float>.Count];
        var all = n;
        if (n < Vector512<float>.Count)
        {
            for (var i = 0; i < Vector512<float>.Count; i++)
            {
                padded[i] = i < n ? x[i] : 0;
            }

            x = padded;
            all = Vector512<float>.Count;
        }

        var isGrouped = groups > 1 && keep < groups;
        var width = isGrouped ? n / groups : n;
        var words = isGrouped ? (groups + BitsOfWord - 1) / BitsOfWord : 1;
        var kept = stackalloc ulong[words];
        *kept = 1;
        if (isGrouped)
        {
            KeepGroups(x, all, width, groups, keep, groupTop, kept);
        }

        var (lastKey, last) = (int.MaxValue, -1);
        for (var place = 0; place < count; place++)
        {
            var (best, at) = (Vector512.Create(Excluded), Vector512<int>.Zero);
            for (var word = 0; word < words; word++)
            {
                for (var rest = kept[word]; rest != 0; rest &= rest - 1)
                {
                    var start = (word * BitsOfWord + BitOperations.TrailingZeroCount(rest)) * width;
                    Next(x, all, start, start + width, lastKey, last, ref best, ref at);
                }
            }

            (lastKey, last) = First(best, at);
            y[place] = last;
        }
    }

    /// <summary>y [count] with y[i] = x[index[i]].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Take(float* x, int* index, float* y, int count)
    {
        for (var i = 0; i < count; i++)
        {
            y[i] = x[index[i]];
        }
    }

    /// <summary>y [length]: zeros, with values[i] added at y[index[i]] in the order of i.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(int* index, float* values, float* y, int length, int count)
    {
        new Span<float>(y, length).Clear();
        for (var i = 0; i < count; i++)
        {
            y[index[i]] += values[i];
        }
    }

    /// <summary>Sets the bits of the groups with the largest scores.</summary>
    [SkipLocalsInit]
    private static void KeepGroups(float* x, int all, int width, int groups, int keep, int groupTop, ulong* kept)
    {
        new Span<ulong>(kept, (groups + BitsOfWord - 1) / BitsOfWord).Clear();
        var scores = stackalloc int[groups];
        for (var group = 0; group < groups; group++)
        {
            var score = 0f;
            var (lastKey, last) = (int.MaxValue, -1);
            for (var i = 0; i < groupTop; i++)
            {
                var (best, at) = (Vector512.Create(Excluded), Vector512<int>.Zero);
                Next(x, all, group * width, (group + 1) * width, lastKey, last, ref best, ref at);
                (lastKey, last) = First(best, at);
                score += x[last];
            }

            scores[group] = Key(Vector512.Create(score)).ToScalar();
        }

        for (var place = 0; place < keep; place++)
        {
            var best = -1;
            for (var group = 0; group < groups; group++)
            {
                if ((kept[group / BitsOfWord] >> group % BitsOfWord & 1) == 0 && (best < 0 || scores[group] > scores[best]))
                {
                    best = group;
                }
            }

            kept[best / BitsOfWord] |= 1UL << best % BitsOfWord;
        }
    }

    /// <summary>
    /// Moves into each lane the first of the largest keys of elements start .. end - 1 that come after the last one chosen. The vector that would reach
    /// beyond the row begins earlier.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Next(float* x, int all, int start, int end, int lastKey, int last, ref Vector512<int> best, ref Vector512<int> at)
    {
        for (var i = start; i < end; i += Vector512<int>.Count)
        {
            var from = Math.Min(i, all - Vector512<int>.Count);
            var index = Vector512.Create(from) + Vector512<int>.Indices;
            var key = Key(Vector512.Load(x + from));
            var isAfter = Vector512.LessThan(key, Vector512.Create(lastKey))
                | (Vector512.Equals(key, Vector512.Create(lastKey)) & Vector512.GreaterThan(index, Vector512.Create(last)));
            var isBetter = isAfter & Vector512.GreaterThan(key, best)
                & Vector512.GreaterThanOrEqual(index, Vector512.Create(i)) & Vector512.LessThan(index, Vector512.Create(end));
            best = Vector512.ConditionalSelect(isBetter, key, best);
            at = Vector512.ConditionalSelect(isBetter, index, at);
        }
    }

    /// <summary>The largest key of all lanes, and the lowest index that has it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (int Key, int Index) First(Vector512<int> best, Vector512<int> at)
    {
        var key = Highest(best);
        var index = -Highest(Vector512.ConditionalSelect(Vector512.Equals(best, Vector512.Create(key)), -at, Vector512.Create(int.MinValue)));
        return (key, index);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Highest(Vector512<int> values)
    {
        var half = Vector256.Max(values.GetLower(), values.GetUpper());
        var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        quarter = Vector128.Max(quarter, Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1)));
        return Math.Max(quarter.ToScalar(), quarter.GetElement(1));
    }

    /// <summary>Integers in the order of the values: both zeros alike, not-a-number below all numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Key(Vector512<float> value)
    {
        var bits = (value + Vector512<float>.Zero).AsInt32();
        var ordered = bits ^ (Vector512.ShiftRightArithmetic(bits, 31) & Vector512.Create(int.MaxValue));
        return Vector512.ConditionalSelect(Vector512.Equals(value, value).AsInt32(), ordered, Vector512.Create(Excluded + 1));
    }
}
