using ILGPU;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Kernels;

public static partial class Routing
{
    /// <summary>y [rows, width]: row r is row choice[r] / slots of x [*, width].</summary>
    public static void GatherRows(IlgpuDevice team, ArrayView<float> x, ArrayView<int> choice, ArrayView<float> y, long rows, int slots, int width) =>
        team.LaunchThreads(GatherRowsKernel.Run, rows * width, new GatherRowsKernel { X = x, Choice = choice, Y = y, Size = checked((int)(rows * width)), Slots = slots, Width = width });
}

internal struct GatherRowsKernel
{
    public ArrayView<float> X;
    public ArrayView<int> Choice;
    public ArrayView<float> Y;
    public int Size, Slots, Width;

    public static void Run(GatherRowsKernel k)
    {
        var i = (Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;
        if (i < k.Size)
        {
            k.Y[i] = k.X[(k.Choice[i / k.Width] / k.Slots * k.Width) + (i % k.Width)];
        }
    }
}
