using ILGPU;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>Elements chosen row by row along the last axis, and the derivative of that.</summary>
public static class AlongAxis
{
    /// <summary>y [rows, count] with y[r, i] = x[r, index[r, i]] of x [rows, length].</summary>
    public static void Take(IlgpuDevice team, ArrayView<float> x, ArrayView<int> index, ArrayView<float> y, long rows, int length, int count) =>
        team.LaunchThreads(TakeKernel.Run, rows * count, new TakeKernel { X = x, Index = index, Y = y, Size = (int)(rows * count), Length = length, Count = count });

    /// <summary>y [rows, length]: zeros, with values[r, i] added at y[r, index[r, i]] in the order of i.</summary>
    public static void Put(IlgpuDevice team, ArrayView<int> index, ArrayView<float> values, ArrayView<float> y, long rows, int length, int count) =>
        team.LaunchThreads(PutKernel.Run, rows * length, new PutKernel { X = values, Index = index, Y = y, Size = (int)(rows * length), Length = length, Count = count });
}

internal struct TakeKernel
{
    public ArrayView<float> X;
    public ArrayView<int> Index;
    public ArrayView<float> Y;
    public int Size, Length, Count;

    public static void Run(TakeKernel k)
    {
        var i = (Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;
        if (i < k.Size)
        {
            k.Y[i] = k.X[(i / k.Count * k.Length) + k.Index[i]];
        }
    }
}

internal struct PutKernel
{
    public ArrayView<float> X;
    public ArrayView<int> Index;
    public ArrayView<float> Y;
    public int Size, Length, Count;

    public static void Run(PutKernel k)
    {
        var at = (Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;
        if (at >= k.Size)
        {
            return;
        }

        var (row, column) = (at / k.Length, at % k.Length);
        var sum = 0f;
        for (var i = row * k.Count; i < (row + 1) * k.Count; i++)
        {
            sum += k.Index[i] == column ? k.X[i] : 0f;
        }

        k.Y[at] = sum;
    }
}
