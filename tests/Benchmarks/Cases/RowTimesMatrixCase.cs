using Mdl.Benchmarks.Reports;

namespace Mdl.Benchmarks.Cases;

/// <summary>One row times a matrix of bfloat16 of 256 MiB, as decoding does: reading the matrix is all the work.</summary>
internal static class RowTimesMatrixCase
{
    private const int Depth = 2048;
    private const int Columns = 65536;
    private const double Target = 0.85;

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        using var own = context.StartOwn();
        var (rates, shares) = (new List<double>(), new List<double>());
        for (var round = 0; round < context.Rounds; round++)
        {
            var bandwidth = own.Ask("bandwidth")[0];
            rates.Add(2e-9 * Depth * Columns / own.Ask($"row-bf16 {Depth} {Columns} 0.5")[0]);
            shares.Add(rates[^1] / bandwidth);
        }

        // The middle round of each: the best share would be that of a round in which the bandwidth was disturbed.
        var share = shares.Median();
        yield return new Row("row times matrix of bf16", "GB/s", rates.Median()) { OfLimit = share, Target = "85 % of the bandwidth", Reached = share >= Target };
    }
}
