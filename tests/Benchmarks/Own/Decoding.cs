using System.Diagnostics;
using Ling;
using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Generation;

namespace Mdl.Benchmarks.Own;

/// <summary>Continues a prompt with preset Nano, one sequence, through the cache.</summary>
internal static class Decoding
{
    /// <summary>Seconds of a token, and managed bytes of a token.</summary>
    public static double[] Time(Device device, int promptLength, int tokens)
    {
        using var model = LingNano.Create(device, seed: 1);
        using var generator = new Generator(model, promptLength + (2 * tokens) + 1);
        var prompt = RandomTokens.Batch(0, 1, promptLength, model.Info.Vocabulary);
        var options = new SamplingOptions();
        var session = generator.Start(prompt, options);
        Draw(session, tokens);
        session = generator.Start(prompt, options);
        Draw(session, 1);

        var bytesBefore = GC.GetTotalAllocatedBytes(precise: true);
        var start = Stopwatch.GetTimestamp();
        Draw(session, tokens);
        var end = Stopwatch.GetTimestamp();
        var bytes = GC.GetTotalAllocatedBytes(precise: true) - bytesBefore;
        return [Stopwatch.GetElapsedTime(start, end).TotalSeconds / tokens, bytes / (double)tokens];
    }

    private static void Draw(GenerationSession session, int tokens)
    {
        for (var i = 0; i < tokens; i++)
        {
            if (!session.TryNext(out _))
            {
                throw new InvalidOperationException("the text ended early");
            }
        }
    }
}
