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
    public static void Copy<T>(IlgpuDevice team, ArrayView<T> source, ArrayView<T> target, long count)
        where T : unmanaged
    {
        if (count > 0)
        {
            source.SubView(0, count).CopyTo(team.Accelerator.DefaultStream, target.SubView(0, count));
        }
    }

    /// <summary>Writes numbers known at build time.</summary>
    public static void Fill(IlgpuDevice team, ArrayView<float> target, float[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        target.SubView(0, values.Length).CopyFromCPU(team.Accelerator.DefaultStream, values);
        team.Accelerator.DefaultStream.Synchronize();
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
