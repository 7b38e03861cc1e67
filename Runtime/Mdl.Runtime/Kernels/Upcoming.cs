using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Operands that are packed after the tiles that are computed now, and whose memory is fetched meanwhile, a few lines at each tile: packing operands that come
/// from memory takes four times as long as packing them from the second-level cache.
/// </summary>
internal unsafe ref struct Upcoming
{
    private const int LeastShare = 16;
    private const int LineBytes = 64;

    private Lines _first;
    private Lines _second;

    /// <summary>Cache lines that are left to fetch.</summary>
    public readonly int Left => _first.Left + _second.Left;

    /// <summary>Adds the first rows and columns of an operand, the second one at most.</summary>
    public void Add(in Matrix operand, int rows, int columns)
    {
        if (_first.Left == 0)
        {
            _first = new Lines(operand, rows, columns);
        }
        else
        {
            _second = new Lines(operand, rows, columns);
        }
    }

    /// <summary>
    /// Lets a tile fetch its share of the lines, of which as many tiles are left as given; what it has no time for, or another kind of kernel cannot do, is
    /// fetched at once.
    /// </summary>
    public void Share(MicroKernels kernels, GemmTile* tile, int tilesLeft)
    {
        tile->AheadCount = 0;
        var left = Left;
        if (left == 0)
        {
            return;
        }

        // Few tiles fetch much, and the others do not even ask: to find the share of a tile takes the time of some multiply-adds.
        var due = (int)((uint)(left + tilesLeft - 1) / (uint)tilesLeft);
        var room = Room(kernels, tile);
        if (room > 0)
        {
            var count = Take(Math.Min(Math.Max(due, LeastShare), room), out tile->Ahead, out tile->AheadStep);
            tile->AheadCount = (count + GemmTile.AheadLines - 1) / GemmTile.AheadLines;
            due -= count;
        }

        while (due > 0 && Left > 0)
        {
            var count = Take(due, out var line, out var step);
            due -= count;
            for (; count > 0; count--, line += step)
            {
                Sse.Prefetch1(line);
            }
        }
    }

    /// <summary>
    /// Lets tile <paramref name="part"/> of <paramref name="parts"/> fetch its share of the panel of the right operand that follows: the first tile that reads a panel from the
    /// third-level cache would wait for it, as it reads twice what comes from there in its time. What the tiles have no time for stays for that tile to wait for.
    /// </summary>
    public static void Panel(MicroKernels kernels, GemmTile* tile, byte* panel, long bytes, int part, int parts)
    {
        var share = (int)(bytes / LineBytes + parts - 1) / parts;
        tile->Ahead = panel + (long)part * share * LineBytes;
        tile->AheadStep = LineBytes;
        tile->AheadCount = (Math.Min(share, Room(kernels, tile)) + GemmTile.AheadLines - 1) / GemmTile.AheadLines;
    }

    // Lines that a tile can fetch while it is computed.
    private static int Room(MicroKernels kernels, GemmTile* tile)
    {
        var times = tile->K / GemmTile.AheadColumns - (kernels.TileRows + GemmTile.ProductRows - 1) / GemmTile.ProductRows;
        return kernels.FetchesAhead ? Math.Max(0, (int)times) * GemmTile.AheadLines : 0;
    }

    private int Take(int most, out byte* line, out long step) =>
        _first.Left > 0 ? _first.Take(most, out line, out step) : _second.Take(most, out line, out step);

    // The cache lines of contiguous rows, or of contiguous columns as rows: along the rows, or down them where they are short, so that runs of lines are long.
    private struct Lines
    {
        private readonly Matrix _rows;
        private readonly int _count;
        private readonly int _perRow;
        private readonly long _step;
        private int _row;
        private int _line;

        public Lines(in Matrix operand, int rows, int columns)
        {
            var byRow = operand.ColumnStride == 1;
            if (!Sse.IsSupported || rows <= 0 || columns <= 0 || (!byRow && (operand.RowStride != 1 || operand.Rows != null)))
            {
                return;
            }

            _rows = byRow ? operand : operand.Turned;
            _count = byRow ? rows : columns;
            var bytes = Weight.Bytes(operand.Format, byRow ? columns : rows);
            var start = _rows.RowStart(0).Address;
            var step = operand.Rows == null && _count > 1 ? _rows.RowStart(1).Address - start : 0;

            // A row that begins within a line may end in one more.
            _perRow = (int)((bytes + LineBytes - 1) / LineBytes) + (((nint)start | step) % LineBytes != 0 ? 1 : 0);
            _step = _perRow < _count ? step : 0;
            Left = _count * _perRow;
        }

        public int Left { get; private set; }

        /// <summary>Takes at most so many lines, at least one, that are equally far apart.</summary>
        public int Take(int most, out byte* line, out long step)
        {
            int count;
            if (_step != 0)
            {
                count = Math.Min(most, _count - _row);
                line = _rows.RowStart(_row).Address + _line * LineBytes;
                step = _step;
                _row += count;
                if (_row == _count)
                {
                    (_row, _line) = (0, _line + 1);
                }
            }
            else
            {
                count = Math.Min(most, _perRow - _line);
                line = _rows.RowStart(_row).Address + _line * LineBytes;
                step = LineBytes;
                _line += count;
                if (_line == _perRow)
                {
                    (_row, _line) = (_row + 1, 0);
                }
            }

            Left -= count;
            return count;
        }
    }
}
