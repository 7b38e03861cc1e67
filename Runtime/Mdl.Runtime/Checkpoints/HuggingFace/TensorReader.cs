using System.Runtime.InteropServices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Checkpoints;

/// <summary>Brings tensors of a folder to a destination, some rows at a time.</summary>
internal sealed unsafe class TensorReader(ShardSet shards, IWeightDestination destination)
{
    public const string ScaleSuffix = "_scale_inv";
    private const int BlockSize = 128;
    private const int PartSize = 1 << 18;
    private float[] _values = [];

    public static bool Reads(string type) => type is "F32" or "F16" or "BF16";

    public static long Blocks(long length) => (length + BlockSize - 1) / BlockSize;

    public void Read(in TensorPlace place)
    {
        var file = shards.FileOf(place.Name);
        var type = file.Tensors[place.Name].Type;
        var bytes = SafetensorsEntry.BytesOf(type);
        var width = checked((int)place.Shape[^1]);
        var rows = place.Shape[..^1].Aggregate(1L, (a, b) => a * b);
        var scales = type == "F8_E4M3" ? ReadScales(place) : [];
        var step = Math.Max(1, PartSize / Math.Max(width, 1));
        var source = file.Data(place.Name);
        Reserve(checked((int)Math.Min(step, rows)) * width);
        for (long row = 0; row < rows; row += step)
        {
            var count = (int)Math.Min(step, rows - row) * width;
            var values = _values.AsSpan(0, count);
            Convert(new(source + (row * width * bytes), count * bytes), type, values);
            if (scales.Length > 0)
            {
                Scale(values, scales, row, width);
            }

            destination.Store(place.Parameter, place.Instance, place.Begin + (row * width), values);
        }

        file.Release(place.Name);
    }

    private static void Convert(ReadOnlySpan<byte> raw, string type, Span<float> values)
    {
        switch (type)
        {
            case "F32":
                MemoryMarshal.Cast<byte, float>(raw).CopyTo(values);
                break;
            case "BF16":
                fixed (byte* source = raw)
                fixed (float* target = values)
                {
                    BFloat16.Widen((ushort*)source, target, values.Length);
                }

                break;
            case "F16":
                var halves = MemoryMarshal.Cast<byte, Half>(raw);
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] = (float)halves[i];
                }

                break;
            default:
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] = Float8.Widen(raw[i]);
                }

                break;
        }
    }

    private static void Scale(Span<float> values, float[] scales, long row, int width)
    {
        var columns = (int)Blocks(width);
        for (var i = 0; i < values.Length; i += width, row++)
        {
            var line = values.Slice(i, width);
            for (var column = 0; column < width; column++)
            {
                line[column] *= scales[(row / BlockSize * columns) + (column / BlockSize)];
            }
        }
    }

    private float[] ReadScales(in TensorPlace place)
    {
        var scales = new float[checked((int)(Blocks(place.Shape[0]) * Blocks(place.Shape[1])))];
        shards.FileOf(place.Name + ScaleSuffix).Read(place.Name + ScaleSuffix, scales);
        return scales;
    }

    private void Reserve(int count)
    {
        if (_values.Length < count)
        {
            _values = new float[count];
        }
    }
}
