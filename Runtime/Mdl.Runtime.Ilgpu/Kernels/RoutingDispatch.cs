using ILGPU;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Kernels;

public static partial class Routing
{
    /// <summary>
    /// Sorts the choices c = token * slots + slot by expert, stably. With M = tokens * slots:
    /// <paramref name="choice"/> [M] is the choice in each row (0 after the last kept one), <paramref name="row"/> [M] the row of each choice or -1 where
    /// capacity dropped it, <paramref name="offsets"/> [experts + 1] the first row of each expert and the number of kept rows,
    /// <paramref name="expert"/> [M] the expert of each row (the last one after the last kept row), <paramref name="load"/> [experts] the choices that
    /// fell on each expert before dropping. A factor of 0 drops nothing; otherwise an expert keeps its first ceil(factor * M / experts) choices.
    /// </summary>
    public static void Dispatch(
        IlgpuDevice team, ArrayView<int> choose, int tokens, int slots, int experts, double capacityFactor, ArrayView<int> choice, ArrayView<int> row,
        ArrayView<int> offsets, ArrayView<int> expert, ArrayView<float> load)
    {
        ArgumentNullException.ThrowIfNull(team);
        var count = checked(tokens * slots);
        var capacity = capacityFactor > 0 ? (int)Math.Min(count, Math.Ceiling(capacityFactor * count / experts)) : count;
        team.Launch(DispatchCountKernel.Run, experts, new DispatchCountKernel { Choose = choose, Load = load, Count = count });
        team.Launch(DispatchOffsetsKernel.Run, 1, new DispatchOffsetsKernel { Load = load, Offsets = offsets, Experts = experts, Capacity = capacity });
        team.Launch(DispatchPlaceKernel.Run, experts, new DispatchPlaceKernel
        {
            Choose = choose, Choice = choice, Row = row, Offsets = offsets, Expert = expert, Count = count,
        });
        team.LaunchThreads(DispatchRestKernel.Run, count, new DispatchRestKernel { Choice = choice, Offsets = offsets, Expert = expert, Count = count, Experts = experts });
    }
}

/// <summary>A group counts the choices of one expert.</summary>
internal struct DispatchCountKernel
{
    public ArrayView<int> Choose;
    public ArrayView<float> Load;
    public int Count;

    public static void Run(DispatchCountKernel k)
    {
        var shared = SharedMemory.Allocate<float>(GroupReduction.Size);
        var mine = 0;
        for (var c = Group.IdxX; c < k.Count; c += IlgpuDevice.GroupSize)
        {
            mine += k.Choose[c] == Grid.IdxX ? 1 : 0;
        }

        var sum = GroupReduction.Sum(shared, Group.IdxX, mine);
        if (Group.IdxX == 0)
        {
            k.Load[Grid.IdxX] = sum;
        }
    }
}

internal struct DispatchOffsetsKernel
{
    public ArrayView<float> Load;
    public ArrayView<int> Offsets;
    public int Experts, Capacity;

    public static void Run(DispatchOffsetsKernel k)
    {
        if (Group.IdxX > 0)
        {
            return;
        }

        var kept = 0;
        for (var e = 0; e < k.Experts; e++)
        {
            k.Offsets[e] = kept;
            var load = (int)k.Load[e];
            kept += load < k.Capacity ? load : k.Capacity;
        }

        k.Offsets[k.Experts] = kept;
    }
}

/// <summary>A group places the choices of one expert: each thread a run of consecutive choices, behind those of the threads before it.</summary>
internal struct DispatchPlaceKernel
{
    public ArrayView<int> Choose;
    public ArrayView<int> Choice;
    public ArrayView<int> Row;
    public ArrayView<int> Offsets;
    public ArrayView<int> Expert;
    public int Count;

    public static void Run(DispatchPlaceKernel k)
    {
        var shared = SharedMemory.Allocate<int>(IlgpuDevice.GroupSize);
        var (expert, lane) = (Grid.IdxX, Group.IdxX);
        var run = (k.Count + IlgpuDevice.GroupSize - 1) / IlgpuDevice.GroupSize;
        var begin = lane * run;
        var end = begin + run < k.Count ? begin + run : k.Count;
        var mine = 0;
        for (var c = begin; c < end; c++)
        {
            mine += k.Choose[c] == expert ? 1 : 0;
        }

        shared[lane] = mine;
        Group.Barrier();
        var next = k.Offsets[expert];
        var after = k.Offsets[expert + 1];
        for (var other = 0; other < lane; other++)
        {
            next += shared[other];
        }

        for (var c = begin; c < end; c++)
        {
            if (k.Choose[c] == expert)
            {
                var isKept = next < after;
                k.Row[c] = isKept ? next : -1;
                if (isKept)
                {
                    k.Choice[next] = c;
                    k.Expert[next] = expert;
                }

                next++;
            }
        }
    }
}

/// <summary>Fills the rows that no expert has.</summary>
internal struct DispatchRestKernel
{
    public ArrayView<int> Choice;
    public ArrayView<int> Offsets;
    public ArrayView<int> Expert;
    public int Count, Experts;

    public static void Run(DispatchRestKernel k)
    {
        var r = (Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;
        if (r < k.Count && r >= k.Offsets[k.Experts])
        {
            k.Choice[r] = 0;
            k.Expert[r] = k.Experts - 1;
        }
    }
}
