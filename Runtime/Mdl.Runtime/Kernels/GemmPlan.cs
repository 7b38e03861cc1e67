namespace Mdl.Runtime.Kernels;

/// <summary>How a product is cut into chunks for a team. The cut does not change any bit of the result, so it may depend on the number of threads.</summary>
internal readonly struct GemmPlan
{
    private GemmPlan(int m, int n, int rowBlock, int columnBlock)
    {
        RowBlock = rowBlock;
        ColumnBlock = columnBlock;
        RowBlocks = (m + rowBlock - 1) / rowBlock;
        ColumnBlocks = (n + columnBlock - 1) / columnBlock;
    }

    /// <summary>Rows of a chunk; the last chunk may have fewer.</summary>
    public int RowBlock { get; }

    /// <summary>Columns of a chunk; the last chunk may have fewer.</summary>
    public int ColumnBlock { get; }

    /// <summary>Chunks one under the other.</summary>
    public int RowBlocks { get; }

    /// <summary>Chunks side by side.</summary>
    public int ColumnBlocks { get; }

    /// <summary>Chunks of one product.</summary>
    public int Chunks => RowBlocks * ColumnBlocks;

    /// <summary>Cuts an m x n product of which there are <paramref name="batches"/>.</summary>
    public static GemmPlan Create(MicroKernels kernels, int threads, int batches, int m, int n)
    {
        if (threads == 1)
        {
            return new GemmPlan(m, n, Math.Max(m, 1), Math.Max(n, 1));
        }

        // Four chunks for each thread let the fast ones take over from the slow ones. Rows are cut first: a cut of the columns makes every
        // chunk read the left operand again, a cut of the rows makes it pack the right operand again, which high chunks hide better.
        var wanted = (4 * threads + batches - 1) / batches;
        var rowBlock = RoundUp(Math.Max((m + wanted - 1) / wanted, 1), kernels.TileRows);
        rowBlock = Math.Clamp(rowBlock, Math.Min(16 * kernels.TileRows, m), Math.Max(m, 1));
        var rowBlocks = (m + rowBlock - 1) / rowBlock;
        var columnCuts = Math.Max((wanted + rowBlocks - 1) / Math.Max(rowBlocks, 1), 1);
        var columnBlock = RoundUp((n + columnCuts - 1) / columnCuts, kernels.TileColumns);
        return new GemmPlan(m, n, Math.Max(rowBlock, 1), Math.Max(columnBlock, 1));
    }

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;
}
