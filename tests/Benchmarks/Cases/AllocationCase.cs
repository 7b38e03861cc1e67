using Mdl.Benchmarks.Reports;

namespace Mdl.Benchmarks.Cases;

/// <summary>Managed memory that a warm training step and a decoded token allocate.</summary>
internal static class AllocationCase
{
    private const int Steps = 10;

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        using var own = context.StartOwn();
        TrainCase.Begin(own);

        // Some 30 KB are allocated once within the first steps, and never again: not counted, since it does not grow with the steps.
        own.Ask($"train-garbage {Steps}");
        yield return Judge("managed memory of a training step", own.Ask($"train-garbage {Steps}")[0]);

        // Likewise: what a token allocates is there both times.
        yield return Judge("managed memory of a decoded token", Math.Min(DecodeCase.Ask(own)[1], DecodeCase.Ask(own)[1]));
    }

    private static Row Judge(string what, double bytes) => new(what, "bytes", bytes) { Target = "0", Reached = bytes == 0 };
}
