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
    private readonly Lock _allocating = new();
    private Placed[]? _places;
    private readonly Device _device;
    private Arena? _arena;

    // Instead of the arena, on a device with memory of its own.
    private DeviceBuffer? _held;
    private MappedFile? _file;

    /// <summary>Allocates the memory, all zero.</summary>
    /// <param name="device">Whose memory.</param>
    /// <param name="info">The parameters.</param>
    /// <param name="format">How matrices are held.</param>
    internal WeightStore(Device device, ModelInfo info, WeightFormat format)
    {
        (_device, _info, Format) = (device, info, format);
        Bytes = BytesOf(info, format);
        if (format == WeightFormat.Single)
        {
            Floats = device.Allocate(info.TotalSize);
        }
        else
        {
            // Allocated with the first use, for a file may take its place.
            Arena.Require(Bytes - TrainedBytes(info));
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
        return format == WeightFormat.Single ? info.TotalSize * sizeof(float) : Layout(info, format, _ => true).Bytes;
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
        if (Floats is { } floats)
        {
            return floats.Host + info.Offset;
        }

        if (IsTrained(_info, info))
        {
            return Trained!.Host + info.Offset;
        }

        var place = (_places ?? Allocate())[parameter];
        // The device takes over what is written there once it has been asked for.
        _ = _held is { } held ? held.Host : null;
        return new Weight(place.Data, FormatOf(info, Format), place.Scales);
    }

    /// <summary>Where a parameter is in the memory of a device that has its own.</summary>
    /// <param name="parameter">Its index in <see cref="ModelInfo.Parameters"/>.</param>
    /// <returns>The memory, the bytes before the first number and before the scale of its block, and the format.</returns>
    public (DeviceBuffer Memory, long Data, long Scales, ElementFormat Format) PlaceOf(int parameter)
    {
        var info = _info.Parameters[parameter];
        if (Floats is not null || IsTrained(_info, info))
        {
            var bytes = info.Offset * sizeof(float);
            return ((Floats ?? Trained)!, bytes, bytes, ElementFormat.Single);
        }

        var place = (_places ?? Allocate())[parameter];
        var held = _held ?? throw new InvalidOperationException($"The weights of {_info.Name} are in the host's memory.");
        var first = (byte*)held.Host;
        return (held, place.Data - first, place.Scales - first, FormatOf(info, Format));
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

    /// <summary>
    /// Uses the weights of a file where they lie. Tensors that do not begin with a line of 64 bytes, which are small, are copied. What is written later stays in
    /// this process.
    /// </summary>
    /// <param name="file">A file of weights held in this format, checked.</param>
    /// <param name="hasMtp">Whether it has those of multi-token prediction, which are zero otherwise.</param>
    /// <returns>False if there is memory already, to which programs may point, or the device has its own.</returns>
    internal bool TryMap(SafetensorsFile file, bool hasMtp)
    {
        lock (_allocating)
        {
            if (_places is not null || Floats is not null || _device.Backend is not null)
            {
                return false;
            }

            HeldTensor[] tensors = [.. HeldTensor.All(_info, Format, hasMtp)];
            var mapped = tensors.GroupBy(t => t.Parameter).Where(g => g.All(t => file.PositionOf(t.Name) % Alignment == 0)).Select(g => g.Key).ToHashSet();
            _file = file.MapPrivately();
            var places = Own(parameter => !mapped.Contains(parameter));
            foreach (var tensor in tensors)
            {
                var place = places[tensor.Parameter];
                var data = _file.Memory + file.PositionOf(tensor.Name);
                if (!mapped.Contains(tensor.Parameter))
                {
                    var target = tensor.IsScales ? place.Scales : place.Data;
                    Buffer.MemoryCopy(data, target, tensor.Bytes, tensor.Bytes);
                }
                else
                {
                    places[tensor.Parameter] = tensor.IsScales ? place with { Scales = data } : place with { Data = data };
                }
            }

            _places = places;
            return true;
        }
    }

    /// <summary>Takes over the weights of the same model in another format.</summary>
    /// <param name="source">Their memory.</param>
    /// <param name="hasMtp">Whether those of multi-token prediction are taken over too.</param>
    /// <exception cref="ArgumentException">They are those of another model.</exception>
    public void CopyFrom(WeightStore source, bool hasMtp = true)
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
            if (info.IsMtp && !hasMtp)
            {
                continue;
            }

            if (source.Format == Format)
            {
                // Blocks would not come out the same if they were made again.
                CopyBytes(source.At(parameter), At(parameter), info.Size);
                continue;
            }

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
        _held?.Dispose();
        _file?.Dispose();
        if (Floats is null)
        {
            Trained?.Dispose();
        }
    }

    private Weight Instance(int parameter, int instance) => At(parameter) + (instance * _info.Parameters[parameter].InstanceSize);

    // What adapters train is held in single precision whatever the rest is held in.
    private static bool IsTrained(ModelInfo info, ParameterInfo parameter) => info.Adapters.Count > 0 && parameter.IsTrained;

    private static long TrainedBytes(ModelInfo info) => info.Adapters.Count > 0 ? info.TrainableSize * sizeof(float) : 0;

    private static void CopyBytes(Weight from, Weight to, long size)
    {
        var (bytes, scales) = (Weight.Bytes(from.Format, size), Weight.ScaleBytes(from.Format, size));
        Buffer.MemoryCopy(from.Data, to.Data, bytes, bytes);
        Buffer.MemoryCopy(from.Scales, to.Scales, scales, scales);
    }

    private Placed[] Allocate()
    {
        lock (_allocating)
        {
            return _places ??= Own(_ => true);
        }
    }

    // Places in memory of its own for the parameters that are not in a file.
    private Placed[] Own(Predicate<int> isOwn)
    {
        var (offsets, scales, bytes) = Layout(_info, Format, isOwn);
        bytes -= TrainedBytes(_info);
        byte* memory;
        if (_device.Backend is null)
        {
            _arena = new Arena(bytes);
            memory = _arena.Memory;
        }
        else
        {
            _held = _device.Allocate((bytes + sizeof(float) - 1) / sizeof(float));
            memory = (byte*)_held.Host;
        }

        return [.. offsets.Select((offset, i) => new Placed(memory + offset, memory + scales[i]))];
    }

    private static (long[] Offsets, long[] Scales, long Bytes) Layout(ModelInfo info, WeightFormat format, Predicate<int> isOwn)
    {
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
            var size = isOwn(i) ? info.Parameters[i].Size : 0;
            offsets[i] = bytes;
            bytes = Aligned(bytes + Weight.Bytes(held, size));
            scales[i] = bytes;
            bytes = Aligned(bytes + Weight.ScaleBytes(held, size));
        }

        return (offsets, scales, bytes + TrainedBytes(info));
    }

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private readonly struct Placed(byte* data, byte* scales)
    {
        public byte* Data { get; init; } = data;

        public byte* Scales { get; init; } = scales;
    }
}
