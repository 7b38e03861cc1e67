using System.Runtime.CompilerServices;
using Mdl.Runtime.Diffusion;
using Mdl.Runtime.Diffusion.Kernel;

namespace Mdl.Runtime.Tests.Diffusion;

/// <summary>Kernel scores while the garbage collector works. Collections without a pause would hold up all other tests, so these run alone.</summary>
[CollectionDefinition(nameof(KernelScoreLifetimeTests), DisableParallelization = true)]
[Collection(nameof(KernelScoreLifetimeTests))]
public sealed class KernelScoreLifetimeTests
{
    // An estimate may be garbage as soon as its last evaluation has begun; aggressive collections give freed memory back.
    [Theory]
    [InlineData(2, 3000)]
    [InlineData(40, 3000)]
    public async Task DataLiveAsLongAsTheirLastEvaluation(int d, int n)
    {
        var (data, queries) = (Points(n, d, 1), Points(1500, d, 2));
        var expected = Evaluated(data, d, queries);

        // Until optimised code runs, which knows when variables are used for the last time.
        for (var i = 0; i < 100; i++)
        {
            Evaluated(data, d, queries.AsSpan(0, d));
        }

        await Task.Delay(300);
        using var stop = new CancellationTokenSource();
        var collector = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);

                // Collections one upon another leave the evaluation no time to get on.
                Thread.Sleep(1);
            }
        });
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(expected, Evaluated(data, d, queries));
        }

        await stop.CancelAsync();
        await collector;
    }

    private static float[] Points(int n, int d, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, n * d).Select(_ => (float)(7.5 + (2 * random.NextDouble())))];
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float[] Evaluated(float[] data, int d, ReadOnlySpan<float> queries)
    {
        var scores = new float[queries.Length];
        new KernelScore<float>(data, d) { MergesPoints = false }.Score(queries, 0.3, scores);
        return scores;
    }
}
