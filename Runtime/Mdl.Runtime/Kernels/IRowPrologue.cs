namespace Mdl.Runtime.Kernels;

/// <summary>What makes rows of the left operand of one or two products right before they are multiplied, so that they are packed from the second-level cache.</summary>
public unsafe interface IRowPrologue
{
    /// <summary>Called once for each row, in blocks, from any thread of the team.</summary>
    /// <param name="begin">The first row.</param>
    /// <param name="end">The row after the last one.</param>
    /// <param name="left">Where row 0 of the operand would be if all rows had memory; null if they have.</param>
    void Apply(long begin, long end, float* left);
}

/// <summary>No prologue: the left operand is in memory.</summary>
public readonly unsafe struct NoPrologue : IRowPrologue
{
    /// <inheritdoc/>
    public void Apply(long begin, long end, float* left)
    {
    }
}

/// <summary>No epilogue: the products are all that is wanted.</summary>
public readonly unsafe struct NoRowEpilogue : IRowEpilogue
{
    /// <inheritdoc/>
    public void Apply(long begin, long end, int block, float* first, float* second)
    {
    }
}
