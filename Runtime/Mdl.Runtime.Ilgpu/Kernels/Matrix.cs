using ILGPU;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>
/// A matrix in device memory, seen through strides (in numbers). Element (i, j) is <c>Data[i * RowStride + j * ColumnStride]</c>, or, with a list of
/// rows, <c>Data[(Rows[i] / RowsDivisor) * RowStride + j * ColumnStride]</c>.
/// </summary>
public readonly struct Matrix
{
    /// <summary>A matrix with any strides.</summary>
    public Matrix(DeviceWeight data, long rowStride, long columnStride)
        : this(data, rowStride, columnStride, default, 0)
    {
    }

    private Matrix(DeviceWeight data, long rowStride, long columnStride, ArrayView<int> rows, int rowsDivisor)
    {
        Data = data;
        RowStride = checked((int)rowStride);
        ColumnStride = checked((int)columnStride);
        Rows = rows;
        RowsDivisor = rowsDivisor;
    }

    internal DeviceWeight Data { get; }

    internal int RowStride { get; }

    internal int ColumnStride { get; }

    internal ArrayView<int> Rows { get; }

    internal int RowsDivisor { get; }

    /// <summary>A matrix whose rows are contiguous and <paramref name="ld"/> numbers apart.</summary>
    public static Matrix RowMajor(DeviceWeight data, long ld) => new(data, ld, 1);

    /// <summary>The transpose of a matrix whose rows are contiguous and <paramref name="ld"/> numbers apart.</summary>
    public static Matrix Transposed(DeviceWeight data, long ld) => new(data, 1, ld);

    /// <summary>A row-major matrix whose row i is row <c>rows[i] / divisor</c> of the memory.</summary>
    public static Matrix Gathered(DeviceWeight data, long ld, ArrayView<int> rows, int divisor = 1) => new(data, ld, 1, rows, divisor);

    /// <summary>As the left operand: rows outside, depth inside.</summary>
    internal Operand Left() => Operand.Create(Data, RowStride, ColumnStride, Rows, RowsDivisor, listOnDepth: false);

    /// <summary>As the right operand: columns outside, depth inside; or as the transposed left one.</summary>
    internal Operand Right() => Operand.Create(Data, ColumnStride, RowStride, Rows, RowsDivisor, listOnDepth: true);
}

/// <summary>One operand of a product in a kernel: element (outer, depth), where a list of rows may stand behind either.</summary>
internal struct Operand
{
    public DeviceWeight Data;
    public ArrayView<int> Rows;
    public int OuterStride;
    public int DepthStride;
    public int OuterDivisor;
    public int DepthDivisor;

    public static Operand Create(DeviceWeight data, int outerStride, int depthStride, ArrayView<int> rows, int divisor, bool listOnDepth) => new()
    {
        Data = data, Rows = rows, OuterStride = outerStride, DepthStride = depthStride,
        OuterDivisor = listOnDepth ? 0 : divisor, DepthDivisor = listOnDepth ? divisor : 0,
    };

    public static float Load(Operand x, int format, int offset, int outer, int depth)
    {
        var i = x.OuterDivisor == 0 ? outer : x.Rows[outer] / x.OuterDivisor;
        var k = x.DepthDivisor == 0 ? depth : x.Rows[depth] / x.DepthDivisor;
        return DeviceWeight.Read(x.Data, offset + (i * x.OuterStride) + (k * x.DepthStride), format);
    }
}
