using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Products of small tiles that lie in scratch memory, by the micro-kernels: the operands' and the product's steps stay the same from call to call.
/// </summary>
internal unsafe ref struct TileProduct
{
    private readonly MicroKernels _kernels;
    private GemmTile _tile;

    private TileProduct(MicroKernels kernels, long rowStep, long columnStep, long ldb, long ldc, float alpha)
    {
        _kernels = kernels;
        _tile = new GemmTile
        {
            ARowStep = rowStep * sizeof(float), AColumnStep = columnStep * sizeof(float),
            BRowStep = ldb * sizeof(float), CRowStep = ldc * sizeof(float), Alpha = alpha,
        };
    }

    /// <summary>c = a b; b in a panel, a and c with contiguous rows the given floats apart.</summary>
    public static TileProduct Of(MicroKernels kernels, long lda, long ldc) => new(kernels, lda, 1, kernels.TileColumns, ldc, 1);

    /// <summary>c = a' b, all with contiguous rows the given floats apart.</summary>
    public static TileProduct OfTransposed(MicroKernels kernels, long lda, long ldb, long ldc) => new(kernels, 1, lda, ldb, ldc, 1);

    /// <summary>c = alpha a b; a and b in panels, c with contiguous rows the given floats apart.</summary>
    public static TileProduct OfPanels(MicroKernels kernels, long ldc, float alpha = 1) => new(kernels, 1, kernels.TileRows, kernels.TileColumns, ldc, alpha);

    /// <summary>
    /// c [rows, columns] (+)= alpha a b over a contraction of length k; at most as many rows and columns as the kernels' tile has.
    /// Where kernels do not mask columns, rows of b are readable up to the full width of the tile.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(float* a, float* b, float* c, int rows, int columns, int k, bool accumulate)
    {
        _tile.A = a;
        _tile.B = b;
        _tile.C = c;
        _tile.K = k;
        _tile.Accumulate = accumulate ? 1 : 0;
        _kernels.Run((GemmTile*)Unsafe.AsPointer(ref _tile), rows, columns);
    }
}
