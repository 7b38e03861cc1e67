using System.Globalization;
using System.Runtime.InteropServices;

namespace Mdl.Benchmarks.Reports;

/// <summary>One line about the machine and its limits, measured now.</summary>
internal static class Machine
{
    public static string Describe(BenchmarkContext context)
    {
        using var own = context.StartOwn();
        var peak = own.Ask("peak")[0];
        var bandwidth = own.Ask("bandwidth")[0];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Processor()}, {context.Threads} thread{(context.Threads == 1 ? "" : "s")}, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}. "
            + $"Limits: {peak:0} GFLOP/s of f32 multiply-adds, {bandwidth:0} GB/s read from memory.");
    }

    private static string Processor()
    {
        const string Source = "/proc/cpuinfo";
        var line = File.Exists(Source) ? File.ReadLines(Source).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':') + 1)..].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
