using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>Routing of tokens to experts: selection and dispatch.</summary>
public static unsafe partial class Routing
{
    private const int TopRowsPerChunk = 128;

    // Below every key that takes part; not-a-number comes right above it.
    private const int Excluded = int.MinValue;

    private struct TopArguments
    {
        public nint* Scratch;
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
        var scratch = stackalloc nint[team.Threads];
        using var hold = team.Hold();
        Mdl.Runtime.Kernels.Rows.Reserve(team, (n + groups + (2L * Math.Max(count, Math.Max(keep, groupTop)))) * sizeof(Vector512<int>), scratch);
        var a = new TopArguments
        {
            Scratch = scratch, X = x, Y = y, Rows = rows, N = n, Count = count, Groups = groups, Keep = keep, GroupTop = groupTop,
        };
        team.Run(&TopChunk, &a, checked((int)((rows + TopRowsPerChunk - 1) / TopRowsPerChunk)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TopChunk(void* arguments, int chunk, int worker)
    {
        ref readonly var a = ref *(TopArguments*)arguments;
        var keys = (Vector512<int>*)a.Scratch[worker];
        var groupKeys = keys + a.N;
        var best = groupKeys + a.Groups;
        var index = best + Math.Max(a.Count, Math.Max(a.Keep, a.GroupTop));
        var begin = (long)chunk * TopRowsPerChunk;
        var end = Math.Min(begin + TopRowsPerChunk, a.Rows);

        // One lane for each row: no step depends on a comparison that cannot be predicted.
        for (var row = begin; row < end; row += Vector512<int>.Count)
        {
            var rows = (int)Math.Min(Vector512<int>.Count, end - row);
            LoadKeys(a.X + (row * a.N), rows, a.N, keys);
            if (a.Groups > 1 && a.Keep < a.Groups)
            {
                ExcludeGroups(a, keys, groupKeys, best, index);
            }

            Select(keys, a.N, best, index, a.Count);
            for (var i = 0; i < a.Count; i++)
            {
                for (var r = 0; r < rows; r++)
                {
                    a.Y[((row + r) * a.Count) + i] = ((int*)(index + i))[r];
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadKeys(float* x, int rows, int n, Vector512<int>* keys)
    {
        for (var i = 0; i < n; i++)
        {
            var lanes = (float*)(keys + i);
            for (var r = 0; r < Vector512<int>.Count; r++)
            {
                lanes[r] = r < rows ? x[((long)r * n) + i] : 0;
            }

            keys[i] = Key(Vector512.Load(lanes));
        }
    }

    /// <summary>Excludes the elements of all but the best groups, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ExcludeGroups(in TopArguments a, Vector512<int>* keys, Vector512<int>* groupKeys, Vector512<int>* best, Vector512<int>* index)
    {
        var width = a.N / a.Groups;
        for (var group = 0; group < a.Groups; group++)
        {
            Select(keys + (group * width), width, best, index, a.GroupTop);
            var score = Vector512<float>.Zero;
            for (var i = 0; i < a.GroupTop; i++)
            {
                score += Value(best[i]);
            }

            groupKeys[group] = Key(score);
        }

        Select(groupKeys, a.Groups, best, index, a.Keep);
        for (var group = 0; group < a.Groups; group++)
        {
            var kept = Vector512<int>.Zero;
            for (var i = 0; i < a.Keep; i++)
            {
                kept |= Vector512.Equals(index[i], Vector512.Create(group));
            }

            for (var i = group * width; i < (group + 1) * width; i++)
            {
                keys[i] = Vector512.ConditionalSelect(kept, keys[i], Vector512.Create(Excluded));
            }
        }
    }

    /// <summary>The largest keys of each lane, largest first, and where they stand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Select(Vector512<int>* keys, int n, Vector512<int>* best, Vector512<int>* index, int count)
    {
        for (var i = 0; i < count; i++)
        {
            best[i] = Vector512.Create(Excluded);
            index[i] = Vector512<int>.Zero;
        }

        for (var i = 0; i < n; i++)
        {
            // A later key moves in only where it is greater, and from there on all move down: ties keep the lower index.
            var key = keys[i];
            var at = Vector512.Create(i);
            var moved = Vector512<int>.Zero;
            for (var place = 0; place < count; place++)
            {
                moved |= Vector512.GreaterThan(key, best[place]);
                var (oldKey, oldAt) = (best[place], index[place]);
                best[place] = Vector512.ConditionalSelect(moved, key, oldKey);
                index[place] = Vector512.ConditionalSelect(moved, at, oldAt);
                key = Vector512.ConditionalSelect(moved, oldKey, key);
                at = Vector512.ConditionalSelect(moved, oldAt, at);
            }
        }
    }

    /// <summary>Integers in the order of the values: both zeros alike, not-a-number below all numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Key(Vector512<float> value)
    {
        var bits = (value + Vector512<float>.Zero).AsInt32();
        var ordered = bits ^ (Vector512.ShiftRightArithmetic(bits, 31) & Vector512.Create(int.MaxValue));
        return Vector512.ConditionalSelect(Vector512.Equals(value, value).AsInt32(), ordered, Vector512.Create(Excluded + 1));
    }

    /// <summary>The value of a key; the same bits are exchanged back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Value(Vector512<int> key) =>
        (key ^ (Vector512.ShiftRightArithmetic(key, 31) & Vector512.Create(int.MaxValue))).AsSingle();
}
