using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>Routing of tokens to experts: selection and dispatch.</summary>
public static unsafe partial class Routing
{
    private struct TopArguments
    {
        public float* X;
        public int* Y;
        public long Rows;
        public long Grain;
        public int N;
        public int Count;
        public int Groups;
        public int Keep;
        public int GroupTop;
    }

    /// <summary>y [rows, count]: what <see cref="RowSelection.Top"/> chooses of each row of x [rows, n], where no fused kernel does.</summary>
    public static void Top(Team team, float* x, int* y, long rows, int n, int count, int groups, int keep, int groupTop)
    {
        var a = new TopArguments
        {
            X = x, Y = y, Rows = rows, Grain = RowLaunch.Grain(rows, n, int.MaxValue), N = n, Count = count, Groups = groups, Keep = keep, GroupTop = groupTop,
        };
        team.Run(&TopChunk, &a, checked((int)((rows + a.Grain - 1) / a.Grain)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TopChunk(void* arguments, int chunk, int worker)
    {
        ref readonly var a = ref *(TopArguments*)arguments;
        for (long row = chunk * a.Grain, end = Math.Min(a.Rows, row + a.Grain); row < end; row++)
        {
            RowSelection.Top(a.X + (row * a.N), a.Y + (row * a.Count), a.N, a.Count, a.Groups, a.Keep, a.GroupTop);
        }
    }
}
