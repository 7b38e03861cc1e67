using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// A matrix in memory, seen through strides (in elements). Element (i, j) is <c>Data[i * RowStride + j * ColumnStride]</c>, or, with a list of rows,
/// <c>Data[(Rows[i] / RowsDivisor) * RowStride + j * ColumnStride]</c>.
/// </summary>
public readonly unsafe struct Matrix
{
    // For formats with blocks, whose first element stays what it is.
    private readonly byte* _scales;
    private readonly long _element;

    /// <summary>A matrix with any strides and optionally a list of rows.</summary>
    public Matrix(float* data, long rowStride, long columnStride, int* rows = null, int rowsDivisor = 1)
        : this(data, ElementFormat.Single, rowStride, columnStride, rows, rowsDivisor)
    {
    }

    /// <summary>A matrix of elements in some format.</summary>
    public Matrix(void* data, ElementFormat format, long rowStride, long columnStride, int* rows = null, int rowsDivisor = 1)
    {
        Data = (float*)data;
        Format = format;
        RowStride = rowStride;
        ColumnStride = columnStride;
        Rows = rows;
        RowsDivisor = rowsDivisor;
    }

    private Matrix(in Matrix of, long elements, long rowStride, long columnStride, int* rows, int rowsDivisor)
        : this(of.IsBlocks ? of.Data : of.Address(elements), of.Format, rowStride, columnStride, rows, rowsDivisor)
    {
        _scales = of._scales;
        _element = of.IsBlocks ? of._element + elements : 0;
    }

    /// <summary>A weight in any format, with any strides.</summary>
    public Matrix(Weight weight, long rowStride, long columnStride)
        : this(weight.Format >= ElementFormat.Int8Blocks ? weight.Data : weight.Address, weight.Format, rowStride, columnStride)
    {
        _scales = weight.Scales;
        _element = weight.Format >= ElementFormat.Int8Blocks ? weight.Element : 0;
    }

    /// <summary>Element (0, 0), if there is no list of rows; of another type where the format says so, and of all blocks the first for a format with blocks.</summary>
    public float* Data { get; }

    /// <summary>How the elements are held.</summary>
    public ElementFormat Format { get; }

    /// <summary>Elements between rows.</summary>
    public long RowStride { get; }

    /// <summary>Elements between columns.</summary>
    public long ColumnStride { get; }

    /// <summary>The row in memory of each row, times the divisor, or null.</summary>
    public int* Rows { get; }

    /// <summary>What entries of <see cref="Rows"/> are divided by.</summary>
    public int RowsDivisor { get; }

    /// <summary>Whether elements have scales that they share.</summary>
    internal bool IsBlocks
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Format >= ElementFormat.Int8Blocks;
    }

    /// <summary>Element (0, 0) of a matrix without a list of rows, as a place that can be read in any format.</summary>
    internal Weight Start => IsBlocks ? new(Data, Format, _scales, _element) : new(Data, Format);

    /// <summary>The transpose.</summary>
    /// <exception cref="InvalidOperationException">There is a list of rows.</exception>
    internal Matrix Turned => Rows == null
        ? new Matrix(this, 0, ColumnStride, RowStride, null, 1)
        : throw new InvalidOperationException("A matrix with a list of rows has no transpose.");

    /// <summary>A matrix whose rows are contiguous and <paramref name="ld"/> floats apart.</summary>
    public static Matrix RowMajor(float* data, long ld) => new(data, ld, 1);

    /// <summary>The transpose of a matrix whose rows are contiguous and <paramref name="ld"/> floats apart.</summary>
    public static Matrix Transposed(float* data, long ld) => new(data, 1, ld);

    /// <summary>As the form for floats, for a weight in any format.</summary>
    public static Matrix RowMajor(Weight weight, long ld) => new(weight, ld, 1);

    /// <summary>As the form for floats, for a weight in any format.</summary>
    public static Matrix Transposed(Weight weight, long ld) => new(weight, 1, ld);

    /// <summary>A row-major matrix whose row i is row <c>rows[i] / divisor</c> of the memory.</summary>
    public static Matrix Gathered(float* data, long ld, int* rows, int divisor = 1) => new(data, ld, 1, rows, divisor);

    /// <summary>The part of the matrix that begins at an element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Matrix At(long row, long column) => Rows == null
        ? new Matrix(this, row * RowStride + column * ColumnStride, RowStride, ColumnStride, null, 1)
        : new Matrix(this, column * ColumnStride, RowStride, ColumnStride, Rows + row, RowsDivisor);

    /// <summary>The same view of memory that begins elsewhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Matrix Shifted(long elements) => new(this, elements, RowStride, ColumnStride, Rows, RowsDivisor);

    /// <summary>The first element of a row, for formats without blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal float* Row(long row) => (float*)Address((Rows == null ? row : Rows[row] / RowsDivisor) * RowStride);

    /// <summary>The first element of a row, in any format.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Weight RowStart(long row) => Start + ((Rows == null ? row : Rows[row] / RowsDivisor) * RowStride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void* Address(long elements) => (byte*)Data + (elements << (2 - (int)Format));
}
