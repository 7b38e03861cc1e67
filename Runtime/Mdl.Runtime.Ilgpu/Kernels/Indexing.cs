using ILGPU;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>The derivative of choosing whole rows of a table by index.</summary>
public static class Indexing
{
    /// <summary>dTable [rows, width] = for each row the sum, in order, of the dy [count, width] whose index it is; overwrites dTable.</summary>
    public static void GatherGradient(
        IlgpuDevice team, ArrayView<int> index, ArrayView<float> dy, ArrayView<float> dTable, long count, int rows, int width) =>
        team.Launch(GatherGradientKernel.Run, rows, new GatherGradientKernel { Index = index, Values = dy, Table = dTable, Count = (int)count, Width = width });
}

/// <summary>A group owns a row of the table and reads all indices: nothing is shared, and the order of sums is that of the indices.</summary>
internal struct GatherGradientKernel
{
    public ArrayView<int> Index;
    public ArrayView<float> Values;
    public ArrayView<float> Table;
    public int Count, Width;

    public static void Run(GatherGradientKernel k)
    {
        var shared = SharedMemory.Allocate<float>(GroupReduction.Size);
        var (row, lane) = (Grid.IdxX, Group.IdxX);
        var mine = 0f;
        for (var i = lane; i < k.Count; i += IlgpuDevice.GroupSize)
        {
            mine = k.Index[i] == row ? 1f : mine;
        }

        // Most rows of a large table are not chosen at all.
        var isChosen = GroupReduction.Maximum(shared, lane, mine) > 0f;
        for (var c = lane; c < k.Width; c += IlgpuDevice.GroupSize)
        {
            var sum = 0f;
            if (isChosen)
            {
                for (var i = 0; i < k.Count; i++)
                {
                    if (k.Index[i] == row)
                    {
                        sum += k.Values[(i * k.Width) + c];
                    }
                }
            }

            k.Table[(row * k.Width) + c] = sum;
        }
    }
}
