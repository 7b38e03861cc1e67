using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Models;

/// <summary>The memory of a model's weights: floats in one block, or each parameter in the format that suits it.</summary>
public sealed unsafe class WeightStore : IWeightDestination, IDisposable
{
    private const long Alignment = 64;

    // Numbers that are converted at a time; whole blocks of every format.
    internal const int Part = 1 << 15;
    private readonly ModelInfo _info;
    private readonly long[] _offsets;
    private readonly long[] _scales;
    private readonly Arena? _arena;

    /// <summary>Allocates the memory, all zero.</summary>
    /// <param name="device">Whose memory.</param>
    /// <param name="info">The parameters.</param>
    /// <param name="format">How matrices are held.</param>
    internal WeightStore(Device device, ModelInfo info, WeightFormat format)
    {
        (_info, Format) = (info, format);
        (_offsets, _scales, Bytes) = Layout(info, format);
        if (format == WeightFormat.Single)
        {
            Floats = device.Allocate(info.TotalSize);
        }
        else
        {
            _arena = new Arena(Bytes - TrainedBytes(info));
        }

        Trained = Floats ?? (info.Adapters.Count > 0 ? device.Allocate(info.TrainableSize) : null);
    }

    /// <summary>How matrices are held.</summary>
    public WeightFormat Format { get; }

    /// <summary>Bytes of all weights.</summary>
    public long Bytes { get; }

    /// <summary>The floats, if the format is <see cref="WeightFormat.Single"/>.</summary>
    internal DeviceBuffer? Floats { get; }

    /// <summary>The floats of trained parameters, at their offsets: all floats, or in a short format those of adapters, if there are any.</summary>
    internal DeviceBuffer? Trained { get; }

    /// <summary>Bytes that the weights of a model would take, without allocating them.</summary>
    public static long BytesOf(ModelInfo info, WeightFormat format)
    {
        ArgumentNullException.ThrowIfNull(info);
        return Layout(info, format).Bytes;
    }

    /// <summary>How a parameter is held in a model of this format: matrices whose rows are whole blocks in it, all others in single precision.</summary>
    public static ElementFormat FormatOf(ParameterInfo parameter, WeightFormat format)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        var wanted = format switch
        {
            WeightFormat.Single => ElementFormat.Single,
            WeightFormat.BFloat16 => ElementFormat.BFloat16,
            WeightFormat.Int8 => ElementFormat.Int8Blocks,
            WeightFormat.Int4 => ElementFormat.Int4Blocks,
            WeightFormat.Float8 => ElementFormat.Float8Blocks,
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "There is no such format."),
        };
        return parameter.IsState || parameter.IsSingle || parameter.Shape.Count < 2 || parameter.Shape[^1] % Weight.BlockSize(wanted) != 0
            ? ElementFormat.Single
            : wanted;
    }

    /// <summary>The first number of a parameter; its instances follow one another.</summary>
    /// <param name="parameter">Its index in <see cref="ModelInfo.Parameters"/>.</param>
    public Weight At(int parameter)
    {
        var info = _info.Parameters[parameter];
        return Floats is { } floats ? floats.Host + info.Offset
            : IsTrained(_info, info) ? Trained!.Host + info.Offset
            : new Weight(_arena!.Memory + _offsets[parameter], FormatOf(info, Format), _arena.Memory + _scales[parameter]);
    }

    /// <summary>As <see cref="At"/>, for a parameter that is held in single precision in every format: vectors and states.</summary>
    public float* FloatsAt(int parameter)
    {
        var weight = At(parameter);
        return weight.Format == ElementFormat.Single
            ? (float*)weight.Address
            : throw new InvalidOperationException($"{_info.Parameters[parameter].Path} is held as {weight.Format}.");
    }

    /// <summary>Writes numbers of one instance; begin and length are whole blocks of the format, which multiples of 128 always are.</summary>
    /// <exception cref="NotFiniteNumberException">A block has a number that is not finite, for which there is no scale.</exception>
    public void Write(int parameter, int instance, long begin, ReadOnlySpan<float> values)
    {
        var info = _info.Parameters[parameter];
        var block = Weight.BlockSize(FormatOf(info, Format));
        if (begin % block != 0 || values.Length % block != 0 || begin < 0 || begin + values.Length > info.InstanceSize)
        {
            throw new ArgumentException(
                $"Elements {begin} .. {begin + values.Length - 1} of {info.InstancePath(instance)} are no whole blocks of {block}, or lie outside its {info.InstanceSize}.", nameof(values));
        }

        if (block > 1 && values.ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
        {
            var at = values.IndexOfAnyExceptInRange(float.MinValue, float.MaxValue);
            throw new NotFiniteNumberException(
                $"Element {begin + at} of {info.InstancePath(instance)} is {values[at].ToString(System.Globalization.CultureInfo.InvariantCulture)}; "
                + $"{Format} holds finite numbers only.");
        }

        fixed (float* source = values)
        {
            BlockQuantizer.Write(source, Instance(parameter, instance) + begin, values.Length);
        }
    }

    void IWeightDestination.Store(int parameter, int instance, long begin, ReadOnlySpan<float> values) => Write(parameter, instance, begin, values);

    /// <summary>Reads numbers of one instance.</summary>
    public void Read(int parameter, int instance, long begin, Span<float> values)
    {
        fixed (float* target = values)
        {
            WeightReader.Read(Instance(parameter, instance) + begin, values.Length, target);
        }
    }

    /// <summary>Takes over the weights of the same model in another format.</summary>
    /// <exception cref="ArgumentException">They are those of another model.</exception>
    public void CopyFrom(WeightStore source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!ReferenceEquals(source._info, _info))
        {
            throw new ArgumentException($"The weights are those of {source._info.Name}, not of {_info.Name}.", nameof(source));
        }

        var numbers = new float[Part];
        for (var parameter = 0; parameter < _info.Parameters.Count; parameter++)
        {
            var info = _info.Parameters[parameter];
            for (var instance = 0; instance < info.Instances; instance++)
            {
                for (var begin = 0L; begin < info.InstanceSize; begin += Part)
                {
                    var part = numbers.AsSpan(0, (int)Math.Min(Part, info.InstanceSize - begin));
                    source.Read(parameter, instance, begin, part);
                    Write(parameter, instance, begin, part);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Floats?.Dispose();
        _arena?.Dispose();
        if (Floats is null)
        {
            Trained?.Dispose();
        }
    }

    private Weight Instance(int parameter, int instance) => At(parameter) + (instance * _info.Parameters[parameter].InstanceSize);

    // What adapters train is held in single precision whatever the rest is held in.
    private static bool IsTrained(ModelInfo info, ParameterInfo parameter) => info.Adapters.Count > 0 && parameter.IsTrained;

    private static long TrainedBytes(ModelInfo info) => info.Adapters.Count > 0 ? info.TrainableSize * sizeof(float) : 0;

    private static (long[] Offsets, long[] Scales, long Bytes) Layout(ModelInfo info, WeightFormat format)
    {
        if (format == WeightFormat.Single)
        {
            return ([], [], info.TotalSize * sizeof(float));
        }

        var offsets = new long[info.Parameters.Count];
        var scales = new long[info.Parameters.Count];
        var bytes = 0L;
        for (var i = 0; i < offsets.Length; i++)
        {
            if (IsTrained(info, info.Parameters[i]))
            {
                continue;
            }

            var held = FormatOf(info.Parameters[i], format);
            offsets[i] = bytes;
            bytes = Aligned(bytes + Weight.Bytes(held, info.Parameters[i].Size));
            scales[i] = bytes;
            bytes = Aligned(bytes + Weight.ScaleBytes(held, info.Parameters[i].Size));
        }

        return (offsets, scales, bytes + TrainedBytes(info));
    }

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
