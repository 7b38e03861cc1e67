namespace Mdl.Runtime.Kernels;

/// <summary>What is done to each finished tile of a product while it is in the first-level cache.</summary>
public unsafe interface ITileEpilogue
{
    /// <summary>Called once for each tile, from any thread of the team, when its elements have their final values.</summary>
    /// <param name="tile">Element (row, col) of the product.</param>
    /// <param name="ld">Floats between rows of the product.</param>
    /// <param name="row">The first row of the tile; in grouped products counted over the rows of all experts, in batched and grouped outer
    /// products over the rows of all products one under the other.</param>
    /// <param name="col">The first column of the tile.</param>
    /// <param name="rows">Rows in the tile.</param>
    /// <param name="cols">Columns in the tile.</param>
    void Apply(float* tile, long ld, int row, int col, int rows, int cols);
}

/// <summary>Leaves tiles as they are.</summary>
public readonly struct NoEpilogue : ITileEpilogue
{
    /// <inheritdoc/>
    public unsafe void Apply(float* tile, long ld, int row, int col, int rows, int cols)
    {
    }
}
