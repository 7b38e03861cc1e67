using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>
/// A matrix in memory, seen through strides (in elements). Element (i, j) is <c>Data[i * RowStride + j * ColumnStride]</c>, or, with a list of rows,
/// <c>Data[(Rows[i] / RowsDivisor) * RowStride + j * ColumnStride]</c>.
/// </summary>
public readonly unsafe struct Matrix
{
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

    /// <summary>Element (0, 0), if there is no list of rows; of another type where the format says so.</summary>
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

    /// <summary>The bytes of an element.</summary>
    internal int ElementBytes => sizeof(float) >> (int)Format;

    /// <summary>The transpose.</summary>
    /// <exception cref="InvalidOperationException">There is a list of rows.</exception>
    internal Matrix Turned => Rows == null
        ? new Matrix(Data, Format, ColumnStride, RowStride)
        : throw new InvalidOperationException("A matrix with a list of rows has no transpose.");

    /// <summary>A matrix whose rows are contiguous and <paramref name="ld"/> floats apart.</summary>
    public static Matrix RowMajor(float* data, long ld) => new(data, ld, 1);

    /// <summary>The transpose of a matrix whose rows are contiguous and <paramref name="ld"/> floats apart.</summary>
    public static Matrix Transposed(float* data, long ld) => new(data, 1, ld);

    /// <summary>A row-major matrix whose row i is row <c>rows[i] / divisor</c> of the memory.</summary>
    public static Matrix Gathered(float* data, long ld, int* rows, int divisor = 1) => new(data, ld, 1, rows, divisor);

    /// <summary>The part of the matrix that begins at an element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Matrix At(long row, long column) => Rows == null
        ? new Matrix(Address(row * RowStride + column * ColumnStride), Format, RowStride, ColumnStride)
        : new Matrix(Address(column * ColumnStride), Format, RowStride, ColumnStride, Rows + row, RowsDivisor);

    /// <summary>The same view of memory that begins elsewhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Matrix Shifted(long elements) => new(Address(elements), Format, RowStride, ColumnStride, Rows, RowsDivisor);

    /// <summary>The first element of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal float* Row(long row) => (float*)Address((Rows == null ? row : Rows[row] / RowsDivisor) * RowStride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void* Address(long elements) => (byte*)Data + (elements << (2 - (int)Format));
}
