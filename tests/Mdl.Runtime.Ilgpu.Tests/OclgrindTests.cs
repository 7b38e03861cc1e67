using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Mdl.Runtime.Ilgpu.Tests.Support;

namespace Mdl.Runtime.Ilgpu.Tests;

/// <summary>Kernels under Oclgrind: races between threads, accesses out of bounds, values that nobody wrote.</summary>
public sealed partial class OclgrindTests
{
    [SkippableTheory]
    [InlineData("SwitchDropless", KernelScoreConformance.Name)]
    [InlineData("LingTiny", "ChatTiny")]
    [InlineData("DenseSmall", "OddOne", "ForeignAngles")]
    public void Oclgrind_has_nothing_to_report(params string[] models)
    {
        Skip.IfNot(Exists("oclgrind"), "There is no oclgrind; the Debian package of that name brings it.");
        var folder = AppContext.BaseDirectory;
        string[] arguments = [Path.Combine(folder, "Mdl.Runtime.Ilgpu.Tests"), .. models];
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(folder, "oclgrind.sh"), arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output);
        Assert.All(models, model => Assert.Contains($"{model}: all kernels have run", output, StringComparison.Ordinal));
        Assert.Equal(0, int.Parse(Count().Match(output).Groups[1].Value, CultureInfo.InvariantCulture));
    }

    private static bool Exists(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    [GeneratedRegex(@"^(\d+) reports$", RegexOptions.Multiline)]
    private static partial Regex Count();
}
