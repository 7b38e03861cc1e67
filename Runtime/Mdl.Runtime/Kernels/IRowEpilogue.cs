namespace Mdl.Runtime.Kernels;

/// <summary>What is done with whole rows of one or two products right after they are computed, while they are in the second-level cache.</summary>
public unsafe interface IRowEpilogue
{
    /// <summary>Called once for each block of rows, from any thread of the team.</summary>
    /// <param name="begin">The first row.</param>
    /// <param name="end">The row after the last one.</param>
    /// <param name="block">The number of the block. For plain products the blocks depend on the number of rows alone, see <see cref="Gemm.RowBlocks"/>.</param>
    /// <param name="first">Where row 0 of the first product would be if all rows were there; rows begin .. end - 1 are.</param>
    /// <param name="second">As <paramref name="first"/>, for the second product; null if there is none.</param>
    void Apply(long begin, long end, int block, float* first, float* second);
}

/// <summary>One epilogue after the other.</summary>
public readonly unsafe struct RowEpilogues<TFirst, TSecond>(TFirst one, TSecond other) : IRowEpilogue
    where TFirst : struct, IRowEpilogue
    where TSecond : struct, IRowEpilogue
{
    private readonly TFirst _one = one;
    private readonly TSecond _other = other;

    /// <inheritdoc/>
    public void Apply(long begin, long end, int block, float* first, float* second)
    {
        _one.Apply(begin, end, block, first, second);
        _other.Apply(begin, end, block, first, second);
    }
}
