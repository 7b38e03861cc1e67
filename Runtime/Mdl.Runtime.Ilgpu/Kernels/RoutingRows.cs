using ILGPU;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Kernels;

public static partial class Routing
{
    /// <summary>y [rows, width]: row r is row choice[r] / slots of x [*, width].</summary>
    public static void GatherRows(IlgpuDevice team, ArrayView<float> x, ArrayView<int> choice, ArrayView<float> y, long rows, int slots, int width) =>
        team.LaunchThreads(GatherRowsKernel.Run, rows * width, new GatherRowsKernel { X = x, Choice = choice, Y = y, Size = checked((int)(rows * width)), Slots = slots, Width = width });

    /// <summary>y [tokens, width]: for each token the sum, in slot order, of the rows row[token * slots + slot]; -1 adds nothing.</summary>
    public static void CombineRows(IlgpuDevice team, ArrayView<float> rows, ArrayView<int> row, ArrayView<float> y, long tokens, int slots, int width) =>
        team.LaunchThreads(CombineRowsKernel.Run, tokens * width, new CombineRowsKernel { X = rows, Row = row, Y = y, Size = checked((int)(tokens * width)), Slots = slots, Width = width });
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

internal struct CombineRowsKernel
{
    public ArrayView<float> X;
    public ArrayView<int> Row;
    public ArrayView<float> Y;
    public int Size, Slots, Width;

    public static void Run(CombineRowsKernel k)
    {
        var i = (Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;
        if (i >= k.Size)
        {
            return;
        }

        var (token, column) = (i / k.Width, i % k.Width);
        var sum = 0f;
        for (var slot = token * k.Slots; slot < (token + 1) * k.Slots; slot++)
        {
            var row = k.Row[slot];
            if (row >= 0)
            {
                sum += k.X[(row * k.Width) + column];
            }
        }

        k.Y[i] = sum;
    }
}
