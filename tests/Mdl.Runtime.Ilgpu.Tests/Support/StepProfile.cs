using System.Diagnostics;
using Ling;
using Mdl.EndToEnd.Tests;

namespace Mdl.Runtime.Ilgpu.Tests.Support;

/// <summary>The time of a training step of the sample, and the share of each kernel.</summary>
internal static class StepProfile
{
    private const int Steps = 3;

    public static void Run()
    {
        OpenClDevice.Optimizes = true;
        using var device = OpenClDevice.Open();
        using var model = LingNano.Create(device);
        using var trainer = model.CreateTrainer(new() { Batch = 8, Length = 128, Steps = 100 });
        var tokens = TestModels.Tokens(model, trainer.TokensPerBatch, 1);
        trainer.Step(tokens);
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < Steps; i++)
        {
            var clock = Stopwatch.StartNew();
            trainer.Step(tokens);
            best = clock.Elapsed < best ? clock.Elapsed : best;
        }

        Console.WriteLine($"LingNano, 8 x 128 tokens on {device.Name}: {best.TotalMilliseconds:F0} ms a step");
        var times = device.MeasureLaunches();
        trainer.Step(tokens);
        foreach (var (kernel, count, time) in times.Kernels.Take(25))
        {
            Console.WriteLine($"{kernel,-40} {count,5} launches {time.TotalMilliseconds,9:F2} ms {100 * (time / times.Total),5:F1} %");
        }
    }
}
