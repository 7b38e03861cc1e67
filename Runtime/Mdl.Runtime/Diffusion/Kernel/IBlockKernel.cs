using System.Runtime.Intrinsics;

namespace Mdl.Runtime.Diffusion.Kernel;

/// <summary>Adds a block of data to the sums of one query: those of e^a_j and of e^a_j (X_j - x), with a_j = -scale |x - X_j|^2 to the base 2.</summary>
internal unsafe interface IBlockKernel<T>
    where T : unmanaged
{
    /// <summary>Adds a block.</summary>
    /// <param name="block">Its points, column after column.</param>
    /// <param name="weights">What each point counts, or null where each counts 1.</param>
    /// <param name="dimensions">The number of columns.</param>
    /// <param name="query">The query's coordinates.</param>
    /// <param name="scale">log2(e) / (2 t).</param>
    /// <param name="reference">What exponents are counted from; moves when a block is far above it.</param>
    /// <param name="isFirst">Whether nothing has been added yet: the reference is then but a bound.</param>
    /// <param name="sums">Lanes of the sum of weights, then of those of each column, then, where points have weights, of the sum of the weights' sizes.</param>
    /// <param name="work">A number for each point.</param>
    /// <returns>The largest exponent of the block.</returns>
    static abstract T Add(T* block, T* weights, int dimensions, T* query, T scale, ref T reference, bool isFirst, Vector512<T>* sums, T* work);
}
