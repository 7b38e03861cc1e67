using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Routing
{
    private const int FloatsPerChunk = 1 << 15;

    private struct RowArguments
    {
        public float* X;
        public int* Index;
        public float* Y;
        public long Count;
        public int Slots;
        public int Width;
        public int PerChunk;
    }

    /// <summary>
    /// Sorts the choices c = token * slots + slot by expert, stably. With M = tokens * slots:
    /// <paramref name="choice"/> [M] is the choice in each row (0 after the last kept one), <paramref name="row"/> [M] the row of each choice or -1 where
    /// capacity dropped it, <paramref name="offsets"/> [experts + 1] the first row of each expert and the number of kept rows,
    /// <paramref name="expert"/> [M] the expert of each row (the last one after the last kept row), <paramref name="load"/> [experts] the choices that
    /// fell on each expert before dropping. A factor of 0 drops nothing; otherwise an expert keeps its first ceil(factor * M / experts) choices.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dispatch(
        Team team, int* choose, int tokens, int slots, int experts, double capacityFactor, int* choice, int* row, int* offsets, int* expert, float* load)
    {
        // Two passes over a few ten thousand integers: less work than waking the team.
        var count = checked(tokens * slots);
        var capacity = capacityFactor > 0 ? (int)Math.Min(count, Math.Ceiling(capacityFactor * count / experts)) : count;
        using var hold = team.Hold();
        var next = (int*)team.Scratch(0, experts * (long)sizeof(int));
        for (var e = 0; e < experts; e++)
        {
            next[e] = 0;
        }

        for (var c = 0; c < count; c++)
        {
            next[choose[c]]++;
        }

        var kept = 0;
        for (var e = 0; e < experts; e++)
        {
            load[e] = next[e];
            offsets[e] = kept;
            var keeps = Math.Min(next[e], capacity);
            next[e] = kept;
            for (var r = kept; r < kept + keeps; r++)
            {
                expert[r] = e;
            }

            kept += keeps;
        }

        offsets[experts] = kept;
        for (var c = 0; c < count; c++)
        {
            var e = choose[c];
            var r = next[e];
            if (r < offsets[e + 1])
            {
                next[e] = r + 1;
                choice[r] = c;
                row[c] = r;
            }
            else
            {
                row[c] = -1;
            }
        }

        for (var r = kept; r < count; r++)
        {
            choice[r] = 0;
            expert[r] = experts - 1;
        }
    }

    /// <summary>y [rows, width]: row r is row choice[r] / slots of x [*, width].</summary>
    public static void GatherRows(Team team, float* x, int* choice, float* y, long rows, int slots, int width)
    {
        var a = new RowArguments
        {
            X = x, Index = choice, Y = y, Count = rows, Slots = slots, Width = width, PerChunk = Math.Max(1, FloatsPerChunk / Math.Max(width, 1)),
        };
        team.Run(&GatherChunk, &a, checked((int)((rows + a.PerChunk - 1) / a.PerChunk)));
    }

    /// <summary>y [tokens, width]: for each token the sum, in slot order, of the rows row[token * slots + slot]; -1 adds nothing.</summary>
    public static void CombineRows(Team team, float* rows, int* row, float* y, long tokens, int slots, int width)
    {
        var a = new RowArguments
        {
            X = rows, Index = row, Y = y, Count = tokens, Slots = slots, Width = width,
            PerChunk = Math.Max(1, FloatsPerChunk / Math.Max(width * slots, 1)),
        };
        team.Run(&CombineChunk, &a, checked((int)((tokens + a.PerChunk - 1) / a.PerChunk)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GatherChunk(void* arguments, int chunk, int worker)
    {
        ref var a = ref *(RowArguments*)arguments;
        var begin = (long)chunk * a.PerChunk;
        var end = Math.Min(begin + a.PerChunk, a.Count);
        for (var r = begin; r < end; r++)
        {
            Rows.Copy(a.X + ((long)(a.Index[r] / a.Slots) * a.Width), a.Y + (r * a.Width), a.Width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CombineChunk(void* arguments, int chunk, int worker)
    {
        ref var a = ref *(RowArguments*)arguments;
        var begin = (long)chunk * a.PerChunk;
        var end = Math.Min(begin + a.PerChunk, a.Count);
        for (var token = begin; token < end; token++)
        {
            var y = a.Y + (token * a.Width);
            var index = a.Index + (token * a.Slots);
            var any = false;
            for (var slot = 0; slot < a.Slots; slot++)
            {
                if (index[slot] < 0)
                {
                    continue;
                }

                var from = a.X + ((long)index[slot] * a.Width);
                if (any)
                {
                    Rows.Add(from, y, a.Width);
                }
                else
                {
                    Rows.Copy(from, y, a.Width);
                    any = true;
                }
            }

            if (!any)
            {
                Rows.Clear(y, a.Width);
            }
        }
    }
}
