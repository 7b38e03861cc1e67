using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>Routing of tokens to experts: selection, dispatch, and movement of rows.</summary>
public static unsafe partial class Routing
{
    private const int TopRowsPerChunk = 128;

    private struct TopArguments
    {
        public float* X;
        public int* Y;
        public long Rows;
        public int N;
        public int Count;
        public int Groups;
        public int Keep;
        public int GroupTop;
    }

    /// <summary>
    /// y [rows, count]: the indices of the largest elements of each row of x [rows, n], largest first, ties to the lower index; not-a-number counts as
    /// smaller than every number. With <paramref name="groups"/> above 1 only elements of the <paramref name="keep"/> groups with the largest sums of
    /// their <paramref name="groupTop"/> largest elements take part.
    /// </summary>
    public static void Top(Team team, float* x, int* y, long rows, int n, int count, int groups, int keep, int groupTop)
    {
        var a = new TopArguments { X = x, Y = y, Rows = rows, N = n, Count = count, Groups = groups, Keep = keep, GroupTop = groupTop };
        team.Run(&TopChunk, &a, checked((int)((rows + TopRowsPerChunk - 1) / TopRowsPerChunk)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TopChunk(void* arguments, int chunk, int worker)
    {
        ref var a = ref *(TopArguments*)arguments;
        var begin = (long)chunk * TopRowsPerChunk;
        var end = Math.Min(begin + TopRowsPerChunk, a.Rows);
        var best = stackalloc ulong[Math.Max(a.Count, a.GroupTop)];
        var bestGroups = stackalloc ulong[a.Keep];
        var width = a.N / a.Groups;
        for (var row = begin; row < end; row++)
        {
            var x = a.X + (row * a.N);
            var y = a.Y + (row * a.Count);
            var found = 0;
            if (a.Groups <= 1 || a.Keep >= a.Groups)
            {
                found = Insert(x, 0, a.N, best, found, a.Count);
            }
            else
            {
                var kept = 0;
                for (var group = 0; group < a.Groups; group++)
                {
                    var members = Insert(x, group * width, width, best, 0, a.GroupTop);
                    var score = 0f;
                    for (var i = 0; i < members; i++)
                    {
                        score += x[IndexOf(best[i])];
                    }

                    kept = Insert(Key(score, group), bestGroups, kept, a.Keep);
                }

                for (var i = 0; i < kept; i++)
                {
                    found = Insert(x, IndexOf(bestGroups[i]) * width, width, best, found, a.Count);
                }
            }

            for (var i = 0; i < found; i++)
            {
                y[i] = IndexOf(best[i]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Insert(float* x, int first, int width, ulong* best, int found, int most)
    {
        for (var i = first; i < first + width; i++)
        {
            found = Insert(Key(x[i], i), best, found, most);
        }

        return found;
    }

    /// <summary>Inserts a key into a list that is sorted from the largest down and keeps at most <paramref name="most"/> keys.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Insert(ulong key, ulong* best, int found, int most)
    {
        if (found == most && key < best[most - 1])
        {
            return found;
        }

        var at = found < most ? found++ : most - 1;
        while (at > 0 && best[at - 1] < key)
        {
            best[at] = best[at - 1];
            at--;
        }

        best[at] = key;
        return found;
    }

    /// <summary>A key that orders by value (both zeros alike, not-a-number last), then by lower index; all keys of a row differ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Key(float value, int index)
    {
        var bits = BitConverter.SingleToInt32Bits(value + 0f);
        var ordered = !float.IsNaN(value) ? (uint)(bits ^ ((bits >> 31) & int.MaxValue)) ^ 0x80000000u : 0u;
        return ((ulong)ordered << 32) | (uint)~index;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int IndexOf(ulong key) => ~(int)(uint)key;
}
