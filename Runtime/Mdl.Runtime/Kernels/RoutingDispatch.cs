using System.Runtime.CompilerServices;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

public static unsafe partial class Routing
{
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
}
