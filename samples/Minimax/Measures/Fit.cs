namespace Minimax.Sample.Measures;

/// <summary>Powers and means from measurements.</summary>
internal static class Fit
{
    /// <summary>The slope of log y over log x by least squares.</summary>
    public static double Slope(IEnumerable<(double X, double Y)> points)
    {
        var logs = points.Select(p => (X: Math.Log(p.X), Y: Math.Log(p.Y))).ToArray();
        var (x, y) = (logs.Average(p => p.X), logs.Average(p => p.Y));
        return logs.Sum(p => (p.X - x) * (p.Y - y)) / logs.Sum(p => (p.X - x) * (p.X - x));
    }

    /// <summary>The mean and its standard error.</summary>
    public static (double Mean, double Error) Mean(IReadOnlyCollection<double> values)
    {
        var mean = values.Average();
        return (mean, Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1) / values.Count));
    }
}
