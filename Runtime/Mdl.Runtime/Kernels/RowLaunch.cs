using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>How fused row kernels are cut into chunks, and how the partial column sums of chunks are added.</summary>
public static unsafe class RowLaunch
{
    /// <summary>Elements of a chunk: enough to outweigh handing it out, few enough to balance two threads.</summary>
    private const long ChunkElements = 16 * 1024;

    /// <summary>Rows of a chunk. Depends on the sizes only, never on the threads, so that sums over chunks are always the same.</summary>
    /// <param name="rows">Rows of the launch.</param>
    /// <param name="work">Elements that a row computes.</param>
    /// <param name="mostChunks">Most chunks that the kernel has partial sums for.</param>
    public static long Grain(long rows, long work, int mostChunks)
    {
        var balanced = Math.Max(1, ChunkElements / Math.Max(work, 1));
        return Math.Max(balanced, (rows + mostChunks - 1) / mostChunks);
    }

    /// <summary>Adds the partial sums [chunks, width] in order: target [width].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddPartials(float* partials, int chunks, long width, float* target)
    {
        for (long c = 0; c < width; c++)
        {
            var sum = 0f;
            for (var chunk = 0; chunk < chunks; chunk++)
            {
                sum += partials[(chunk * width) + c];
            }

            target[c] = sum;
        }
    }

    /// <summary>Copies floats or ints (4 bytes each).</summary>
    public static void Copy(void* source, void* target, long count) => Buffer.MemoryCopy(source, target, count * 4, count * 4);

    /// <summary>Writes numbers known at build time.</summary>
    public static void Fill(float* target, ReadOnlySpan<float> values) => values.CopyTo(new(target, values.Length));
}
