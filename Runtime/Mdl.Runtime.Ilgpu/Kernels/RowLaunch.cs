using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>What generated row kernels need around them.</summary>
public static class RowLaunch
{
    /// <summary>Rows of a chunk. Depends on the sizes only, so that sums over chunks are always the same.</summary>
    public static int Grain(long rows, int mostChunks) => checked((int)((rows + mostChunks - 1) / mostChunks));

    /// <summary>Adds the partial sums [chunks, width] in order: target [width].</summary>
    public static void AddPartials(IlgpuDevice team, ArrayView<float> partials, int chunks, long width, ArrayView<float> target) =>
        team.LaunchThreads(AddPartialsKernel.Run, width, new AddPartialsKernel { Partials = partials, Target = target, Chunks = chunks, Width = (int)width });

    /// <summary>Copies on the device.</summary>
    /// <typeparam name="T">int or float.</typeparam>
    public static void Copy<T>(IlgpuDevice team, ArrayView<T> source, ArrayView<T> target, long count)
        where T : unmanaged =>
        team.LaunchThreads(CopyKernel.Run, count, new CopyKernel { Source = source.Cast<int>(), Target = target.Cast<int>(), Count = count });

    /// <summary>Writes numbers known at build time.</summary>
    public static void Fill(IlgpuDevice team, ArrayView<float> target, float[] values)
    {
        ArgumentNullException.ThrowIfNull(team);
        ArgumentNullException.ThrowIfNull(values);
        using var staged = team.Accelerator.Allocate1D(values);
        Copy(team, staged.View.BaseView, target, values.Length);
        team.Synchronize();
    }

    /// <summary>Sets floats to 0.</summary>
    internal static void Clear(IlgpuDevice team, ArrayView<float> target, long count) =>
        team.LaunchThreads(ClearKernel.Run, count, new ClearKernel { Target = target, Count = count });
}

/// <summary>
/// Copies values of 4 bytes. Kernels copy and clear, rather than the driver, because Oclgrind takes memory that the driver has written in part for unwritten.
/// </summary>
internal struct CopyKernel
{
    public ArrayView<int> Source;
    public ArrayView<int> Target;
    public long Count;

    public static void Run(CopyKernel k)
    {
        var i = ((long)Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;
        if (i < k.Count)
        {
            k.Target[i] = k.Source[i];
        }
    }
}

internal struct ClearKernel
{
    public ArrayView<float> Target;
    public long Count;

    public static void Run(ClearKernel k)
    {
        var i = ((long)Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;
        if (i < k.Count)
        {
            k.Target[i] = 0f;
        }
    }
}

internal struct AddPartialsKernel
{
    public ArrayView<float> Partials;
    public ArrayView<float> Target;
    public int Chunks;
    public int Width;

    public static void Run(AddPartialsKernel k)
    {
        var c = (Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;
        if (c >= k.Width)
        {
            return;
        }

        var sum = 0f;
        for (var chunk = 0; chunk < k.Chunks; chunk++)
        {
            sum += k.Partials[(chunk * k.Width) + c];
        }

        k.Target[c] = sum;
    }
}
