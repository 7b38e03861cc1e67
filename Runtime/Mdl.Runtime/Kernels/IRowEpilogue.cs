namespace Mdl.Runtime.Kernels;

/// <summary>What is done with whole rows of a product right after they are computed, while they are in the second-level cache.</summary>
public interface IRowEpilogue
{
    /// <summary>Called once for each row, in blocks, from any thread of the team.</summary>
    /// <param name="begin">The first row.</param>
    /// <param name="end">The row after the last one.</param>
    void Apply(long begin, long end);
}
