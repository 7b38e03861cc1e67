using System.Runtime.InteropServices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Gemm;

/// <summary>How an operand lies in memory.</summary>
public enum Layout
{
    RowMajor,
    Transposed,
    Gathered,
    Strided,
}

/// <summary>A random matrix in native memory in some layout, with its values at hand.</summary>
internal sealed unsafe class Operand : IDisposable
{
    private readonly float* _data;
    private readonly int* _list;

    public Operand(Random random, int rows, int columns, Layout layout)
    {
        Rows = rows;
        Columns = columns;
        const int Pad = 3;
        var stored = layout == Layout.Gathered ? rows + 5 : rows;
        var ld = layout switch { Layout.Transposed => stored + Pad, Layout.Strided => 2 * columns + Pad, _ => columns + Pad };
        Length = Math.Max((layout == Layout.Transposed ? (long)columns : stored) * ld, 1);
        _data = (float*)NativeMemory.Alloc((nuint)Length, sizeof(float));
        _list = (int*)NativeMemory.Alloc((nuint)rows + 1, sizeof(int));
        for (var i = 0L; i < Length; i++)
        {
            _data[i] = (float)(random.NextDouble() * 2 - 1);
        }

        const int Divisor = 3;
        for (var i = 0; i < rows; i++)
        {
            _list[i] = random.Next(stored) * Divisor + random.Next(Divisor);
        }

        Matrix = layout switch
        {
            Layout.RowMajor => Matrix.RowMajor(_data, ld),
            Layout.Transposed => Matrix.Transposed(_data, ld),
            Layout.Gathered => Matrix.Gathered(_data, ld, _list, Divisor),
            _ => new Matrix(_data, ld, 2),
        };
    }

    public int Rows { get; }

    public int Columns { get; }

    public Matrix Matrix { get; }

    private long Length { get; }

    public double this[int i, int j] => Matrix.Data[(Matrix.Rows == null ? i : Matrix.Rows[i] / Matrix.RowsDivisor) * Matrix.RowStride + j * Matrix.ColumnStride];

    public void Dispose()
    {
        NativeMemory.Free(_data);
        NativeMemory.Free(_list);
    }
}
