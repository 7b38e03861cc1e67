using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Gemm;

public sealed unsafe class UpcomingTests
{
    private const int Rows = 5;
    private const int Columns = 90;
    private const int Stride = 128;

    // Every cache line of the operand is named, however many pieces a tile takes, and no line that holds nothing of it but the second of a pair.
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    public void TilesFetchEveryLine(int piecesOfTile)
    {
        using var team = new Team(1);
        if (!team.Kernels.FetchesAhead)
        {
            return;
        }

        using var arena = new Arena(Rows * Stride * sizeof(float));
        var data = (float*)arena.Memory;
        var list = stackalloc byte*[Upcoming.MostPieces];
        var gathered = stackalloc int[] { 4, 0, 2, 1, 3 };
        foreach (var (operand, rows, columns) in new[]
        {
            (Matrix.RowMajor(data, Stride), Rows, Columns), (Matrix.Transposed(data, Stride), Columns, Rows),
            (Matrix.Gathered(data, Stride, gathered), Rows, Columns), (Matrix.RowMajor(data + 3, Stride), Rows, Columns),
        })
        {
            var upcoming = new Upcoming(list);
            upcoming.Add(operand, rows, columns);
            var lines = new HashSet<long>();
            while (upcoming.Pieces > 0)
            {
                var tile = new GemmTile { K = 1024 };
                upcoming.Share(team.Kernels, &tile, piecesOfTile);
                Assert.True(tile.AheadCount > 0);
                for (var i = 0; i < 2 * tile.AheadCount; i++)
                {
                    Assert.Equal(0, (nint)list[i] % 64);
                    lines.Add((nint)list[i] / 64);
                    lines.Add(((nint)list[i] / 64) + 1);
                }
            }

            for (var row = 0; row < Rows; row++)
            {
                for (var column = 0; column < Columns; column++)
                {
                    Assert.Contains((nint)(operand.Data + (row * Stride) + column) / 64, lines);
                }
            }
        }
    }
}
