using System.Runtime.InteropServices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Gemm;

/// <summary>A matrix of random small integers in some format.</summary>
internal sealed unsafe class ShortOperand : IDisposable
{
    private readonly int[] _values;
    private readonly int _columns;
    private readonly void* _data;

    public ShortOperand(Random random, int rows, int columns, ElementFormat format, bool transposed)
    {
        const int Pad = 3;
        var most = format == ElementFormat.SByte ? 128 : 8;
        _columns = columns;
        _values = new int[rows * columns];
        var ld = (transposed ? rows : columns) + Pad;
        var length = (nuint)((transposed ? columns : rows) * ld + 1);
        _data = NativeMemory.AllocZeroed(length, sizeof(float));
        for (var i = 0; i < _values.Length; i++)
        {
            var value = random.Next(-most, most);
            _values[i] = value;
            var at = transposed ? i % columns * ld + i / columns : i / columns * ld + i % columns;
            switch (format)
            {
                case ElementFormat.Single:
                    ((float*)_data)[at] = value;
                    break;
                case ElementFormat.BFloat16:
                    ((ushort*)_data)[at] = BFloat16.Round(value);
                    break;
                default:
                    ((sbyte*)_data)[at] = (sbyte)value;
                    break;
            }
        }

        Matrix = transposed ? new Matrix(_data, format, 1, ld) : new Matrix(_data, format, ld, 1);
    }

    public Matrix Matrix { get; }

    public int this[int row, int column] => _values[row * _columns + column];

    public void Dispose() => NativeMemory.Free(_data);
}
