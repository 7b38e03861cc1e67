using System.Globalization;
using System.Runtime.InteropServices;
using Mdl.Runtime.Kernels;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>Writes weights, in whatever format a model holds them, as tensors of published types; little of them is in memory twice.</summary>
internal sealed class TensorEncoder(WeightStore store, ModelInfo info)
{
    private readonly float[] _values = new float[WeightStore.Part];
    private readonly ushort[] _halves = new ushort[WeightStore.Part];

    /// <summary>The name that the file format has for a type.</summary>
    public static string NameOf(TensorType type) => type switch
    {
        TensorType.BFloat16 => "BF16",
        TensorType.Float16 => "F16",
        TensorType.Single => "F32",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "There is no such type."),
    };

    /// <summary>Bytes of a number.</summary>
    public static int BytesOf(TensorType type) => type == TensorType.Single ? sizeof(float) : sizeof(ushort);

    /// <summary>Writes a tensor.</summary>
    /// <exception cref="SafetensorsException">A number is outside of what the type holds.</exception>
    public void Write(Stream stream, in TensorPlace place, TensorType type)
    {
        var size = place.Size;
        for (var done = 0L; done < size; done += WeightStore.Part)
        {
            var values = _values.AsSpan(0, (int)Math.Min(WeightStore.Part, size - done));
            store.Read(place.Parameter, place.Instance, place.Begin + done, values);
            Write(stream, values, type, place);
        }
    }

    private void Write(Stream stream, ReadOnlySpan<float> values, TensorType type, in TensorPlace place)
    {
        if (type == TensorType.Single)
        {
            stream.Write(MemoryMarshal.AsBytes(values));
            return;
        }

        for (var i = 0; i < values.Length; i++)
        {
            _halves[i] = type == TensorType.BFloat16 ? BFloat16.Round(values[i]) : BitConverter.HalfToUInt16Bits((Half)values[i]);
            if (float.IsFinite(values[i]) && !IsFinite(_halves[i], type))
            {
                throw new SafetensorsException(
                    $"{info.Parameters[place.Parameter].InstancePath(place.Instance)} has the number {values[i].ToString(CultureInfo.InvariantCulture)}, beyond the largest of {NameOf(type)}; choose another type.");
            }
        }

        stream.Write(MemoryMarshal.AsBytes(_halves.AsSpan(0, values.Length)));
    }

    private static bool IsFinite(ushort half, TensorType type) =>
        type == TensorType.BFloat16 ? float.IsFinite(BFloat16.Widen(half)) : Half.IsFinite(BitConverter.UInt16BitsToHalf(half));
}
