using System.Runtime.Intrinsics.X86;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// Operands that are packed after the tiles that are computed now, and whose memory is fetched meanwhile, a few lines at each tile: packing operands that come
/// from memory takes four times as long as packing them from the second-level cache.
/// </summary>
internal unsafe ref struct Upcoming
{
    /// <summary>Addresses that a list has room for.</summary>
    public const int MostPieces = 256;

    private const int PieceBytes = 2 * LineBytes;
    private const int LineBytes = 64;
    private readonly byte** _list;
    private Lines _first;
    private Lines _second;

    /// <summary>Nothing yet.</summary>
    /// <param name="list">Room for <see cref="MostPieces"/> addresses, which tiles read.</param>
    public Upcoming(byte** list) => _list = list;

    /// <summary>Pieces of two cache lines that are left to fetch.</summary>
    public readonly long Pieces => _first.Pieces + _second.Pieces;

    /// <summary>Adds the first rows and columns of an operand, the second one at most.</summary>
    public void Add(in Matrix operand, int rows, int columns)
    {
        var lines = new Lines(operand, rows, columns);
        if (_first.Pieces == 0)
        {
            _first = lines;
        }
        else
        {
            _second = lines;
        }
    }

    /// <summary>Lets a tile fetch so many pieces; what it has no time for, or another kind of kernel cannot do, is fetched at once.</summary>
    public void Share(MicroKernels kernels, GemmTile* tile, long pieces)
    {
        var room = kernels.FetchesAhead ? Math.Min((int)(tile->K / GemmTile.AheadColumns) * 2, MostPieces) : 0;
        var count = 0;
        for (; pieces > 0 && (_first.Take(out var piece) || _second.Take(out piece)); pieces--)
        {
            if (count < room)
            {
                _list[count++] = piece;
            }
            else
            {
                Sse.Prefetch1(piece);
                Sse.Prefetch1(piece + LineBytes);
            }
        }

        if (count % 2 != 0)
        {
            _list[count] = _list[count - 1];
        }

        tile->Ahead = _list;
        tile->AheadCount = (count + 1) / 2;
    }

    // The contiguous lines of a matrix, row by row or column by column.
    private struct Lines
    {
        private readonly Matrix _lines;
        private readonly long _bytes;
        private int _left;
        private int _line;
        private byte* _at;
        private byte* _end;

        public Lines(in Matrix operand, int rows, int columns)
        {
            var byRow = operand.ColumnStride == 1;
            if (!Sse.IsSupported || rows <= 0 || columns <= 0 || (!byRow && (operand.RowStride != 1 || operand.Rows != null)))
            {
                return;
            }

            _lines = byRow ? operand : operand.Turned;
            _left = byRow ? rows : columns;
            _bytes = Weight.Bytes(operand.Format, byRow ? columns : rows);
        }

        public readonly long Pieces => _left * ((_bytes + PieceBytes - 1) / PieceBytes) + Math.Max(0, _end - _at + PieceBytes - 1) / PieceBytes;

        public bool Take(out byte* piece)
        {
            if (_at >= _end)
            {
                if (_left == 0)
                {
                    piece = null;
                    return false;
                }

                _left--;
                _at = _lines.RowStart(_line++).Address;
                _end = _at + _bytes;
                _at -= (nint)_at % LineBytes;
            }

            piece = _at;
            _at += PieceBytes;
            return true;
        }
    }
}
