using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Products of small matrices, single-threaded, for use inside the body of a launch. Nothing is allocated; the caller gives the scratch memory,
/// because the worker's own may be in use.
/// </summary>
public static unsafe class BlockGemm
{
    /// <summary>Bytes of 64-byte aligned scratch memory that <see cref="Run"/> needs for products up to this size.</summary>
    public static long ScratchBytes(Team team, int m, int n, int k) => GemmBlock.ScratchBytes(team.Kernels, m, n, k);

    /// <summary>c[m,n] = alpha * a[m,k] b[k,n], or c += alpha * a b.</summary>
    /// <param name="team">Whose micro-kernels to use.</param>
    /// <param name="a">m x k, any strides.</param>
    /// <param name="b">k x n, any strides; packed into scratch memory on each call.</param>
    /// <param name="c">m x n, rows contiguous.</param>
    /// <param name="ldc">Floats between rows of <paramref name="c"/>.</param>
    /// <param name="m">Rows of a and c.</param>
    /// <param name="n">Columns of b and c.</param>
    /// <param name="k">Length of the contraction; 0 gives zeros.</param>
    /// <param name="alpha">The factor.</param>
    /// <param name="accumulate">Whether the product is added to <paramref name="c"/>.</param>
    /// <param name="scratch">At least <see cref="ScratchBytes"/> bytes.</param>
    public static void Run(
        Team team, in Matrix a, in Matrix b, float* c, long ldc, int m, int n, int k, float alpha, bool accumulate, void* scratch)
    {
        var none = default(NoEpilogue);
        GemmBlock.Run(team.Kernels, a, false, b, c, ldc, m, n, k, alpha, accumulate, scratch, ref none, 0, 0, int.MaxValue);
    }

    /// <summary>Bytes that <see cref="Pack"/> writes.</summary>
    public static long PackedBytes(Team team, int n, int k) => GemmBlock.PanelFloats(team.Kernels, n, k) * sizeof(float);

    /// <summary>Packs b[k,n] once for many products.</summary>
    public static void Pack(Team team, in Matrix b, int n, int k, float* packed) => Packing.RightPanels(b, k, n, team.Kernels.TileColumns, packed, (long)k * team.Kernels.TileColumns);

    /// <summary>As <see cref="Run"/>, with a right operand from <see cref="Pack"/> of the same n and k.</summary>
    /// <param name="team">Whose micro-kernels to use.</param>
    /// <param name="a">m x k; rows or columns must be contiguous, and there must be no list of rows.</param>
    /// <param name="packed">The packed operand.</param>
    /// <param name="c">m x n, rows contiguous.</param>
    /// <param name="ldc">Floats between rows of <paramref name="c"/>.</param>
    /// <param name="m">Rows of a and c.</param>
    /// <param name="n">Columns of b and c.</param>
    /// <param name="k">Length of the contraction; 0 gives zeros.</param>
    /// <param name="alpha">The factor.</param>
    /// <param name="accumulate">Whether the product is added to <paramref name="c"/>.</param>
    public static void RunPacked(
        Team team, in Matrix a, float* packed, float* c, long ldc, int m, int n, int k, float alpha, bool accumulate)
    {
        if (a.Rows != null || (a.RowStride != 1 && a.ColumnStride != 1))
        {
            throw new ArgumentException("The left operand has neither contiguous rows nor contiguous columns.", nameof(a));
        }

        var none = default(NoEpilogue);
        GemmBlock.RunPacked(team.Kernels, a, packed, c, ldc, m, n, k, alpha, accumulate, ref none, 0, 0);
    }
}
