namespace Mdl.Benchmarks.Cases;

/// <summary>Sums up repeated measurements.</summary>
internal static class Statistics
{
    /// <summary>The middle one; of an even number the upper of the two.</summary>
    public static double Median(this IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
