using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Mdl.Runtime.Ilgpu.Tests.Support;

namespace Mdl.Runtime.Ilgpu.Tests;

/// <summary>Kernels under Oclgrind: races between threads, accesses out of bounds, values that nobody wrote.</summary>
public sealed partial class OclgrindTests
{
    [SkippableTheory]
    [InlineData("races", "SwitchDropless", KernelScoreConformance.Name)]
    [InlineData("races", "LingTiny", "ChatTiny")]
    [InlineData("races", "DenseSmall", "OddOne", "ForeignAngles")]
    [InlineData("values", "SwitchDropless")]
    [InlineData("values", "OddOne")]
    [InlineData("values", KernelScoreConformance.Name)]
    public void Oclgrind_has_nothing_to_report(string check, params string[] models)
    {
        var output = Run(check, models);
        Assert.All(models, model => Assert.Contains($"{model}: all kernels have run", output, StringComparison.Ordinal));
        Assert.Equal(0, Reports(output));
    }

    [SkippableFact]
    public void Oclgrind_reports_a_value_that_nobody_wrote() => Assert.Equal(UnwrittenMemory.Count, Reports(Run("values", UnwrittenMemory.Name)));

    private static string Run(string check, params string[] models)
    {
        Skip.IfNot(Exists("oclgrind"), "There is no oclgrind; the Debian package of that name brings it.");
        var folder = AppContext.BaseDirectory;
        string[] arguments = [check, Path.Combine(folder, "Mdl.Runtime.Ilgpu.Tests"), .. models];
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(folder, "oclgrind.sh"), arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output);
        return output;
    }

    private static int Reports(string output) => int.Parse(Count().Match(output).Groups[1].Value, CultureInfo.InvariantCulture);

    private static bool Exists(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    [GeneratedRegex(@"^(\d+) reports$", RegexOptions.Multiline)]
    private static partial Regex Count();
}
