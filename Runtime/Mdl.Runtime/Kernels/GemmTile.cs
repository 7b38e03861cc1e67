namespace Mdl.Runtime.Kernels;

/// <summary>
/// One call of a micro-kernel: <c>c = alpha * a b</c>, or <c>c += alpha * a b</c>, on a tile that stays in registers. Steps are in bytes.
/// The assembled kernels read the fields at the offsets declared here.
/// </summary>
internal unsafe struct GemmTile
{
    /// <summary>Element (0, 0) of the left operand.</summary>
    public float* A;

    /// <summary>Bytes between rows of the left operand.</summary>
    public long ARowStep;

    /// <summary>Bytes between columns of the left operand.</summary>
    public long AColumnStep;

    /// <summary>Element (0, 0) of the right operand; a row has contiguous elements.</summary>
    public float* B;

    /// <summary>Bytes between rows of the right operand.</summary>
    public long BRowStep;

    /// <summary>Element (0, 0) of the product.</summary>
    public float* C;

    /// <summary>Bytes between rows of the product.</summary>
    public long CRowStep;

    /// <summary>The length of the contraction.</summary>
    public long K;

    /// <summary>Not 0 if the product is added to the tile.</summary>
    public long Accumulate;

    /// <summary>Bit j is set if column j of the last vector of columns exists.</summary>
    public ulong LastColumns;

    /// <summary>The factor.</summary>
    public float Alpha;

    /// <summary>The first of a run of cache lines that are needed after this tile, and that kernels which can do so fetch a few at a time.</summary>
    public byte* Ahead;

    /// <summary>Bytes from one of these lines to the next.</summary>
    public long AheadStep;

    /// <summary>
    /// How many times <see cref="AheadLines"/> lines are fetched; kernels count it down, once in <see cref="AheadColumns"/> of the contraction after those in
    /// which they fetch the product, <see cref="ProductRows"/> rows at a time. The last line may lie behind those that are needed.
    /// </summary>
    public long AheadCount;

    /// <summary>See <see cref="AheadCount"/>.</summary>
    public const int AheadColumns = 8;

    /// <summary>See <see cref="AheadCount"/>.</summary>
    public const int AheadLines = 2;

    /// <summary>See <see cref="AheadCount"/>.</summary>
    public const int ProductRows = 3;
}
