namespace Mdl.Runtime.Kernels;

/// <summary>
/// The cut of a block of rows into tiles of nearly equal height: a last tile of one or two rows would keep most multiply-add units idle.
/// </summary>
internal readonly struct TileHeights
{
    private readonly int _height;
    private readonly int _taller;

    /// <summary>Cuts rows into tiles of at most <paramref name="most"/>.</summary>
    public TileHeights(int rows, int most)
    {
        Rows = rows;
        Count = (rows + most - 1) / most;
        _height = Count == 0 ? 0 : rows / Count;
        _taller = rows - _height * Count;
    }

    /// <summary>All rows.</summary>
    public int Rows { get; }

    /// <summary>The number of tiles.</summary>
    public int Count { get; }

    /// <summary>The height of a tile.</summary>
    public int Height(int tile) => _height + (tile < _taller ? 1 : 0);
}
