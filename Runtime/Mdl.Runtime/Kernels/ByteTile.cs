namespace Mdl.Runtime.Kernels;

/// <summary>
/// One call of a kernel that multiplies blocks of bytes: a tile c = a b, or c += a b, where 32 elements along the contraction share a scale on either side.
/// The assembled kernels read the fields at the offsets declared here.
/// </summary>
internal unsafe struct ByteTile
{
    /// <summary>Rows of the largest tile.</summary>
    public const int Rows = 6;

    /// <summary>Columns of a panel of the right operand, which are there even if the matrix has fewer.</summary>
    public const int Columns = 32;

    /// <summary>Elements along the contraction that share a scale.</summary>
    public const int Block = 32;

    /// <summary>
    /// Bytes of a block of the left operand: for each row the integer that its sum starts with, then the scales of the rows in single precision, then groups
    /// of four signed bytes of each row in turn.
    /// </summary>
    public const int LeftBytes = Rows * (4 + 4 + Block);

    /// <summary>Bytes of a block of the right operand: groups of four bytes without a sign of each column in turn, then the scales of the columns.</summary>
    public const int RightBytes = Columns * (Block + 4);

    /// <summary>The first block of the left operand.</summary>
    public byte* A;

    /// <summary>The first block of the right operand.</summary>
    public byte* B;

    /// <summary>Element (0, 0) of the product.</summary>
    public float* C;

    /// <summary>Bytes between rows of the product.</summary>
    public long CRowStep;

    /// <summary>Blocks of the contraction; at least one.</summary>
    public long Blocks;

    /// <summary>Not 0 if the product is added to the tile.</summary>
    public long Accumulate;

    /// <summary>Bit j is set if column j of the last vector of columns exists.</summary>
    public ulong LastColumns;
}
