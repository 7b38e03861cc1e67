using System.Diagnostics;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Assembly;

/// <summary>Chooses micro-kernels that multiply in a short format.</summary>
internal static class ShortFormatKernels
{
    // The rates differ by a factor of two one way or the other, so a few runs of some microseconds decide the same way every time.
    private const int Runs = 8;
    private const int Rounds = 1000;

    /// <summary>Kernels for a format; null if the processor has none, has them slower than single precision and these are not wanted, or assembled
    /// kernels are not wanted.</summary>
    public static MicroKernels? TryCreate(MicroKernels single, ElementFormat format, bool atAnySpeed)
    {
        if (single is not AssembledKernels || AssembledKernels.TryCreate(format) is not { } kernels)
        {
            return null;
        }

        if (atAnySpeed || Rate(kernels) > Rate(single))
        {
            return kernels;
        }

        kernels.Dispose();
        return null;
    }

    // Operations in a tick.
    private static double Rate(MicroKernels kernels)
    {
        using var probe = kernels.CreatePeakProbe();
        var best = long.MaxValue;
        for (var run = 0; run < Runs; run++)
        {
            var start = Stopwatch.GetTimestamp();
            probe.Run(Rounds);
            best = Math.Min(best, Stopwatch.GetTimestamp() - start);
        }

        return probe.OperationsPerRound * (double)Rounds / best;
    }
}
