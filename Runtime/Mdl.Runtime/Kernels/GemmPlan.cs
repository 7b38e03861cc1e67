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

    /// <summary>Cuts an m x n product with contraction length k, of which there are <paramref name="batches"/>.</summary>
    public static GemmPlan Create(MicroKernels kernels, int threads, int batches, int m, int n, long k)
    {
        // Packing an element costs as much as so many multiply-adds; threads wait for one another for about this part of a chunk (both measured).
        const double PackCost = 12;
        const double Waiting = 0.03;
        const double SmallWork = 1 << 20;
        var work = (double)m * n * k;
        var best = new GemmPlan(m, n, Math.Max(m, 1), Math.Max(n, 1));
        if (threads == 1 || (work * batches < SmallWork && (double)n * k * batches < SmallWork / 16))
        {
            return best;
        }

        // With work enough several chunks for each thread let the fast threads take over from the slow ones.
        var mostPerThread = Math.Clamp((int)(work * batches / threads / (4 * SmallWork)), 1, 4);
        var bestCost = double.PositiveInfinity;
        for (var perThread = 1; perThread <= mostPerThread; perThread++)
        {
            var wanted = (threads * perThread + batches - 1) / batches;
            for (var cuts = 1; cuts <= wanted; cuts++)
            {
                var rowBlock = RoundUp((m + cuts - 1) / cuts, kernels.TileRows);
                var columnCuts = (wanted + cuts - 1) / cuts;
                var columnBlock = RoundUp((n + columnCuts - 1) / columnCuts, kernels.TileColumns);
                var plan = new GemmPlan(m, n, rowBlock, columnBlock);
                var rounds = (plan.Chunks * batches + threads - 1) / threads;
                var cost = (rounds + Waiting) * ((double)rowBlock * columnBlock + PackCost * (rowBlock + columnBlock));
                if (cost < bestCost)
                {
                    bestCost = cost;
                    best = plan;
                }
            }
        }

        return best;
    }

    /// <summary>
    /// Cuts the product of a few rows with a k x n matrix whose columns are contiguous and which is read once, from memory. Threads that read far from each
    /// other, and a power of two apart, ask the same banks of memory for different pages in turn and both wait; with small chunks, handed out in order,
    /// they read side by side.
    /// </summary>
    public static GemmPlan ForColumns(MicroKernels kernels, int threads, int m, int n, long columnBytes)
    {
        const long ChunkBytes = 1 << 18;
        var each = RoundUp((n + threads - 1) / threads, kernels.TileColumns);
        var near = RoundUp((int)Math.Min(n, Math.Max(1, ChunkBytes / Math.Max(columnBytes, 1))), kernels.TileColumns);
        return new GemmPlan(m, n, m, Math.Min(each, near));
    }

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;
}
