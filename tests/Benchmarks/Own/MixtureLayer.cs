using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Benchmarks.Own;

/// <summary>Forward and backward of a mixture-of-experts layer of Ling-mini's sizes, with an embedding and a small head around it; products in single precision or in bfloat16.</summary>
internal static class MixtureLayer
{
    private const int Length = 256;

    /// <summary>Seconds of some runs, after a first one that is not counted.</summary>
    public static double[] Time(Device device, int tokens, int runs, bool isShort)
    {
        using LanguageModel model = isShort ? MixturesShort.MixtureMini.Create(device, seed: 1) : Mixtures.MixtureMini.Create(device, seed: 1);
        using var program = model.CreateTrainingProgram(tokens / Length, Length);
        var batch = RandomTokens.Batch(0, tokens / Length, Length + 1, model.Info.Vocabulary);
        unsafe
        {
            batch.CopyTo(new Span<int>(program.Tokens, batch.Length));
        }

        void Run()
        {
            program.Forward();
            program.Backward();
        }

        Run();
        return [.. Enumerable.Range(0, runs).Select(_ => WorkerLoop.Seconds(Run))];
    }
}
