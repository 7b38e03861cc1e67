using System.Diagnostics;
using Ling;
using Mdl.Benchmarks.Workers;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Benchmarks.Own;

/// <summary>
/// The first layers of Ling-mini with random weights, given random tokens: other tokens go to other experts, so the whole model passes by, and no sampler
/// is measured.
/// </summary>
internal sealed class Serving(Device device, WeightFormat format) : IDisposable
{
    private const int Slots = 8;
    private readonly LingMini4 _model = LingMini4.Create(device, seed: 1, weights: format);

    /// <summary>Seconds of a prompt, of a token after it, and of a step of eight sequences with a token each after it.</summary>
    public unsafe double[] Time(int prompt, int tokens)
    {
        using var program = _model.CreateInferenceProgram(Slots, prompt, prompt + (2 * tokens), CacheFormat.BFloat16);
        var random = RandomTokens.Batch(0, 1, prompt + tokens, _model.Info.Vocabulary);
        void Run(ReadOnlySpan<SequenceRun> runs, int count, int seed)
        {
            random.AsSpan(seed % tokens, count).CopyTo(new Span<int>(program.Tokens, count));
            program.Run(runs, lastOnly: true);
        }

        Run([new SequenceRun(0, 0, prompt)], prompt, 0);
        var start = Stopwatch.GetTimestamp();
        Run([new SequenceRun(0, 0, prompt)], prompt, 0);
        var afterPrompt = Stopwatch.GetTimestamp();
        for (var i = 0; i < tokens; i++)
        {
            Run([new SequenceRun(0, prompt + i, 1)], 1, i);
        }

        var afterTokens = Stopwatch.GetTimestamp();
        for (var slot = 1; slot < Slots; slot++)
        {
            program.CopyCache(0, slot, prompt);
        }

        var runs = new SequenceRun[Slots];
        var beforeSteps = Stopwatch.GetTimestamp();
        for (var i = 0; i < tokens; i++)
        {
            for (var slot = 0; slot < Slots; slot++)
            {
                runs[slot] = new(slot, prompt + i, 1);
            }

            Run(runs, Slots, i);
        }

        return
        [
            Stopwatch.GetElapsedTime(start, afterPrompt).TotalSeconds, Stopwatch.GetElapsedTime(afterPrompt, afterTokens).TotalSeconds / tokens,
            Stopwatch.GetElapsedTime(beforeSteps).TotalSeconds / tokens,
        ];
    }

    public void Dispose() => _model.Dispose();
}
