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
        foreach (var parameter in model.Info.Parameters)
        {
            for (var instance = 0; instance < parameter.Instances; instance++)
            {
                Fill(model, parameter, instance, seed);
            }
        }
    }

    private static void Fill(LanguageModel model, ParameterInfo parameter, int instance, ulong seed)
    {
        var arguments = new Arguments
        {
            Destination = model.Weights + parameter.Offset + (instance * parameter.InstanceSize),
            Size = parameter.InstanceSize,
            Philox = new Philox(seed, StableHash.Of("weights/" + parameter.InstancePath(instance))),
            Initial = parameter.Initial,
        };
        model.Device.Team.Run(&FillChunk, &arguments, checked((int)((arguments.Size + ChunkSize - 1) / ChunkSize)));
    }

    private static void FillChunk(void* pointer, int chunk, int worker)
    {
        var arguments = (Arguments*)pointer;
        var begin = chunk * ChunkSize;
        var span = new Span<float>(arguments->Destination + begin, (int)Math.Min(ChunkSize, arguments->Size - begin));
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
        public float* Destination;
        public long Size;
        public Philox Philox;
        public Initializer Initial;
    }
}
