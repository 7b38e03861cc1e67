namespace Mdl.Runtime.Kernels;

/// <summary>A product whose rows an epilogue reads: its right operand and where it goes.</summary>
/// <param name="w">k x n.</param>
/// <param name="y">[rows, n], or null where only the epilogue reads it: then each block of rows is in the second-level cache alone.</param>
/// <param name="n">Columns; 0 for no product.</param>
/// <param name="accumulate">Whether the product is added to <paramref name="y"/>.</param>
public readonly unsafe struct RowProduct(Matrix w, float* y, int n, bool accumulate)
{
    internal Matrix W { get; } = w;

    internal float* Y { get; } = y;

    internal int N { get; } = n;

    internal bool Accumulate { get; } = accumulate;
}
