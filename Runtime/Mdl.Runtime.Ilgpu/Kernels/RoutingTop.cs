using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>Routing of tokens to experts: selection, dispatch, and movement of rows.</summary>
public static partial class Routing
{
    /// <summary>
    /// y [rows, count]: the indices of the largest elements of each row of x [rows, n], largest first, ties to the lower index; not-a-number counts as
    /// smaller than every number. With <paramref name="groups"/> above 1 only elements of the <paramref name="keep"/> groups with the largest sums of
    /// their <paramref name="groupTop"/> largest elements take part.
    /// </summary>
    /// <exception cref="NotSupportedException">There are more than 64 groups.</exception>
    public static void Top(IlgpuDevice team, ArrayView<float> x, ArrayView<int> y, long rows, int n, int count, int groups, int keep, int groupTop)
    {
        if (groups > TopKernel.MostGroups)
        {
            throw new NotSupportedException($"Selection among {groups} groups; an ILGPU device takes at most {TopKernel.MostGroups}.");
        }

        var sizes = new TopSizes { N = n, Count = count, Groups = groups > 1 && keep < groups ? groups : 1, Keep = keep, GroupTop = groupTop };
        team.LaunchThreads(TopKernel.Run, rows, new TopKernel { X = x, Y = y, Rows = checked((int)rows) }, sizes);
    }
}

/// <summary>The sizes of a selection, for which its kernel is compiled.</summary>
internal record struct TopSizes
{
    public int N, Count, Groups, Keep, GroupTop;
}

/// <summary>One thread a row. The next element is the first of the largest that come after the last one, so nothing is sorted or remembered.</summary>
internal struct TopKernel
{
    public const int MostGroups = 64;

    public ArrayView<float> X;
    public ArrayView<int> Y;
    public int Rows;

    public static void Run(TopKernel k, SpecializedValue<TopSizes> sizes)
    {
        var s = sizes.Value;
        var row = (Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;
        if (row >= k.Rows)
        {
            return;
        }

        var first = row * s.N;
        var width = s.N / s.Groups;
        var kept = s.Groups > 1 ? KeptGroups(k, s, first, width) : 1UL;
        var lastKey = int.MaxValue;
        var last = -1;
        for (var place = 0; place < s.Count; place++)
        {
            var bestKey = int.MinValue;
            var best = 0;
            for (var i = 0; i < s.N; i++)
            {
                var key = Key(k.X[first + i]);
                var isAfter = key < lastKey || (key == lastKey && i > last);
                if (((kept >> (i / width)) & 1UL) != 0 && isAfter && key > bestKey)
                {
                    bestKey = key;
                    best = i;
                }
            }

            k.Y[(row * s.Count) + place] = best;
            lastKey = bestKey;
            last = best;
        }
    }

    private static ulong KeptGroups(TopKernel k, TopSizes s, int first, int width)
    {
        var kept = 0UL;
        var lastKey = int.MaxValue;
        var last = -1;
        for (var place = 0; place < s.Keep; place++)
        {
            var bestKey = int.MinValue;
            var best = 0;
            for (var group = 0; group < s.Groups; group++)
            {
                var key = Key(Score(k, s, first + (group * width), width));
                var isAfter = key < lastKey || (key == lastKey && group > last);
                if (isAfter && key > bestKey)
                {
                    bestKey = key;
                    best = group;
                }
            }

            kept |= 1UL << best;
            lastKey = bestKey;
            last = best;
        }

        return kept;
    }

    /// <summary>The sum of the largest elements of a group, largest first.</summary>
    private static float Score(TopKernel k, TopSizes s, int first, int width)
    {
        var sum = 0f;
        var lastKey = int.MaxValue;
        var last = -1;
        for (var place = 0; place < s.GroupTop; place++)
        {
            var bestKey = int.MinValue;
            var best = 0;
            for (var i = 0; i < width; i++)
            {
                var key = Key(k.X[first + i]);
                var isAfter = key < lastKey || (key == lastKey && i > last);
                if (isAfter && key > bestKey)
                {
                    bestKey = key;
                    best = i;
                }
            }

            sum += k.X[first + best];
            lastKey = bestKey;
            last = best;
        }

        return sum;
    }

    /// <summary>Integers in the order of the values: both zeros alike, not-a-number below all numbers.</summary>
    private static int Key(float value)
    {
        var bits = (int)Interop.FloatAsInt(value + 0f);
        var ordered = bits ^ ((bits >> 31) & int.MaxValue);
        return DeviceMath.IsNaN(value) ? int.MinValue + 1 : ordered == -1 ? 0 : ordered;
    }
}
