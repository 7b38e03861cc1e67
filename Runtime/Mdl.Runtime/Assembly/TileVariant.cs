namespace Mdl.Runtime.Assembly;

/// <summary>The order of the left operand's elements in memory.</summary>
internal enum LeftOrder
{
    /// <summary>Elements of a row lie one behind the other.</summary>
    Rows,

    /// <summary>Elements of a column lie one behind the other.</summary>
    Columns,

    /// <summary>Elements of a column lie one behind the other, and columns as far apart as the largest tile is high.</summary>
    Panel,
}

/// <summary>What a micro-kernel is specialised for.</summary>
/// <param name="Rows">Rows of the tile.</param>
/// <param name="Vectors">Vectors in a row of the tile.</param>
/// <param name="Masked">Whether some columns of the last vector are missing.</param>
/// <param name="Order">The order of the left operand.</param>
/// <param name="RightPanel">Whether rows of the right operand are as far apart as the largest tile is wide.</param>
internal readonly record struct TileVariant(int Rows, int Vectors, bool Masked, LeftOrder Order, bool RightPanel);
