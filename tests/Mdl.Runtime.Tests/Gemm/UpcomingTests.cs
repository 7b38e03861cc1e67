using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Gemm;

public sealed unsafe class UpcomingTests
{
    private const int Rows = 5;
    private const int Columns = 90;
    private const int Stride = 128;

    private static readonly int[] Order = [4, 0, 2, 1, 3];

    // Every cache line of the operand is named, along its rows or down them, and none that is more than a line away from it. Shares of a single line lie
    // within one run, so that nothing is fetched at once, unseen.
    [Theory]
    [InlineData(Rows, Columns, false)]
    [InlineData(Rows, Columns, true)]
    [InlineData(Columns, 20, false)]
    [InlineData(Columns, 20, true)]
    public void TilesFetchEveryLine(int rows, int columns, bool isShifted)
    {
        using var team = new Team(1);
        if (!team.Kernels.FetchesAhead)
        {
            return;
        }

        using var arena = new Arena((Columns + 1) * Stride * sizeof(float));
        var data = (float*)arena.Memory + (isShifted ? 3 : 0);
        fixed (int* order = Order)
        {
            foreach (var (operand, height, width) in new[]
            {
                (Matrix.RowMajor(data, Stride), rows, columns), (Matrix.Transposed(data, Stride), columns, rows),
                (Matrix.RowMajor(data, Stride - 1), rows, columns), (Matrix.Gathered(data, Stride, order), Math.Min(rows, Rows), columns),
            })
            {
                var lines = LinesOf(team.Kernels, operand, height, width);
                var needed = new HashSet<nint>();
                for (var row = 0; row < height; row++)
                {
                    for (var column = 0; column < width; column++)
                    {
                        var line = (nint)(operand.Row(row) + (column * operand.ColumnStride)) / 64;
                        needed.Add(line);
                        Assert.Contains(line, lines);
                    }
                }

                Assert.All(lines, line => Assert.True(needed.Contains(line) || needed.Contains(line - 1)));
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void TheLastTileLeavesNothing(int tiles)
    {
        using var team = new Team(1);
        using var arena = new Arena(Columns * Stride * sizeof(float));
        var upcoming = default(Upcoming);
        upcoming.Add(Matrix.RowMajor((float*)arena.Memory, Stride), Columns, Stride);
        upcoming.Add(Matrix.Transposed((float*)arena.Memory, Stride), Stride, Columns);
        Assert.Equal(System.Runtime.Intrinsics.X86.Sse.IsSupported, upcoming.Left > 0);
        for (; tiles > 0; tiles--)
        {
            var tile = new GemmTile { K = 64 };
            upcoming.Share(team.Kernels, &tile, tiles);
        }

        Assert.Equal(0, upcoming.Left);
    }

    // All lines of the panel in as many tiles as it takes to fetch them, and no more in one tile than it has time for.
    [Theory]
    [InlineData(256, 12)]
    [InlineData(256, 3)]
    [InlineData(200, 11)]
    [InlineData(30, 5)]
    [InlineData(8, 1)]
    public void TilesShareTheNextPanel(int depth, int parts)
    {
        using var team = new Team(1);
        var bytes = (long)depth * team.Kernels.TileColumns * sizeof(float);
        var (lines, most) = (new HashSet<nint>(), Math.Max(0, (depth / GemmTile.AheadColumns) - ((team.Kernels.TileRows + GemmTile.ProductRows - 1) / GemmTile.ProductRows)));
        for (var part = 0; part < parts; part++)
        {
            var tile = new GemmTile { K = depth };
            Upcoming.Panel(team.Kernels, &tile, null, bytes, part, parts);
            Assert.InRange(tile.AheadCount, 0, team.Kernels.FetchesAhead ? most : 0);
            for (var i = 0; i < tile.AheadCount * GemmTile.AheadLines; i++)
            {
                lines.Add((nint)(tile.Ahead + (i * tile.AheadStep)) / 64);
            }
        }

        var room = team.Kernels.FetchesAhead ? parts * most * GemmTile.AheadLines : 0;
        var all = Enumerable.Range(0, (int)(bytes / 64)).Select(line => (nint)line);
        if (room >= bytes / 64)
        {
            Assert.Superset(all.ToHashSet(), lines);
        }

        Assert.InRange(lines.Count, Math.Min(room, bytes / 64), (bytes / 64) + (parts * GemmTile.AheadLines) + parts);
    }

    private static HashSet<nint> LinesOf(MicroKernels kernels, in Matrix operand, int rows, int columns)
    {
        var lines = new HashSet<nint>();
        var upcoming = default(Upcoming);
        upcoming.Add(operand, rows, columns);
        while (upcoming.Left > 0)
        {
            // The run is as long as what the operand then has less; the kernel rounds it up to whole groups of lines.
            var (tile, before) = (new GemmTile { K = 1024 }, upcoming.Left);
            upcoming.Share(kernels, &tile, tilesLeft: 1 << 20);
            var count = before - upcoming.Left;
            Assert.InRange(tile.AheadCount * GemmTile.AheadLines, count, count + GemmTile.AheadLines - 1);
            for (var i = 0; i < count; i++)
            {
                lines.Add((nint)(tile.Ahead + (i * tile.AheadStep)) / 64);
            }
        }

        return lines;
    }
}
