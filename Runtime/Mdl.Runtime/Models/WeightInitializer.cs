using System.Runtime.InteropServices;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.Runtime.Models;

/// <summary>
/// Gives the weights of a model their first values. Each instance of a parameter draws from an own stream, named by its path, and each element from
/// its index: neither the order of parameters nor the number of threads matters, and a parameter keeps its values when others come or go.
/// </summary>
internal static unsafe class WeightInitializer
{
    // A multiple of four, the size of a Philox block.
    private const long ChunkSize = 1 << 15;

    public static void Run(LanguageModel model, ulong seed)
    {
        for (var parameter = 0; parameter < model.Info.Parameters.Count; parameter++)
        {
            Run(model, parameter, seed);
        }
    }

    public static void Run(LanguageModel model, int parameter, ulong seed) => Run(model.Device, model.Info, model.Store, parameter, seed);

    public static void Run(Device device, ModelInfo info, WeightStore store, int parameter, ulong seed)
    {
        for (var instance = 0; instance < info.Parameters[parameter].Instances; instance++)
        {
            Fill(device, info.Parameters[parameter], store.At(parameter), instance, seed);
        }
    }

    private static void Fill(Device device, ParameterInfo parameter, Weight memory, int instance, ulong seed)
    {
        var arguments = new Arguments
        {
            Destination = memory + (instance * parameter.InstanceSize),
            Size = parameter.InstanceSize,
            Philox = new Philox(seed, StableHash.Of("weights/" + parameter.InstancePath(instance))),
            Initial = parameter.Initial,
        };
        device.Team.Run(&FillChunk, &arguments, checked((int)((arguments.Size + ChunkSize - 1) / ChunkSize)));
    }

    private static void FillChunk(void* pointer, int chunk, int worker)
    {
        var arguments = (Arguments*)pointer;
        var begin = chunk * ChunkSize;
        var count = (int)Math.Min(ChunkSize, arguments->Size - begin);
        var target = arguments->Destination + begin;
        if (target.Format == ElementFormat.Single)
        {
            Fill(arguments, begin, new Span<float>(target.Address, count));
            return;
        }

        var numbers = (float*)NativeMemory.Alloc((nuint)count, sizeof(float));
        Fill(arguments, begin, new Span<float>(numbers, count));
        BlockQuantizer.Write(numbers, target, count);
        NativeMemory.Free(numbers);
    }

    private static void Fill(Arguments* arguments, long begin, Span<float> span)
    {
        if (arguments->Initial.IsNormal)
        {
            Normal.Fill(arguments->Philox, (ulong)begin, (float)arguments->Initial.Value, span);
        }
        else
        {
            span.Fill((float)arguments->Initial.Value);
        }
    }

    private struct Arguments
    {
        public Weight Destination;
        public long Size;
        public Philox Philox;
        public Initializer Initial;
    }
}
