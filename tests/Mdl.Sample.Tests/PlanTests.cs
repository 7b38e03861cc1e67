using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Mdl.Sample.Tests;

/// <summary>What the program says of a step before the first one, beside what the step takes.</summary>
public sealed partial class PlanTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-plan-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_document_of_the_kernels_is_that_of_the_plan()
    {
        var made = In("kernels.md");
        var (exit, _, error) = SampleProcess.Run("--plan", "--markdown", made);
        Assert.Equal((0, ""), (exit, error));
        var kept = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "kernels.md")).ReplaceLineEndings("\n");
        Assert.Equal(kept, File.ReadAllText(made));
    }

    /// <summary>
    /// The pages that the process holds at most, beyond those before the model was made: the allocators' own counts would be the plan's sizes again.
    /// </summary>
    [Fact]
    public void The_plan_tells_the_memory_within_a_tenth()
    {
        var data = In("data.txt");
        File.WriteAllText(data, string.Concat(Enumerable.Repeat("The quick brown fox jumps over the lazy dog. ", 4000)));
        var (exit, output, error) = SampleProcess.Run(
            "--profile", "--data", data, "--steps", "3", "--generate", "0", "--eval-every", "0", "--out", In("out"));
        Assert.Equal((0, ""), (exit, error));
        var line = MemoryLine().Match(output);
        Assert.True(line.Success, output);
        var (planned, measured) = (Number(line, 1), Number(line, 2));
        Assert.InRange(measured, planned * 0.9, planned * 1.1);

        using var trace = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(In("out"), "trace.json")));
        Assert.Equal(2, trace.RootElement.GetProperty("traceEvents").EnumerateArray().Count(e => e.GetProperty("cat").GetString() == "Step"));
    }

    [Fact]
    public void Planning_allocates_no_arena()
    {
        // A thousand times the memory of any machine: a plan is arithmetic only.
        var (exit, output, error) = SampleProcess.Run("--plan", "--batch", "1000000", "--length", "256");
        Assert.Equal((0, ""), (exit, error));
        Assert.Contains("adamW", output, StringComparison.Ordinal);
    }

    private string In(string name) => Path.Combine(_folder.FullName, name);

    private static double Number(Match line, int group) => double.Parse(line.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"memory  planned ([\d.]+) MiB, taken ([\d.]+) MiB")]
    private static partial Regex MemoryLine();
}
